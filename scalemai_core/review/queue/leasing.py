"""Who has which item: taking, keeping and giving back, so that no two hold the same read."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, insert, select, update

from scalemai_core.errors import LeaseLostError
from scalemai_core.records.lease import Lease
from scalemai_core.records.listed_item import ItemStatus
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import ItemKind
from scalemai_core.records.review_entry import Act
from scalemai_core.review.queue.rows import (
    add_act,
    free_slot,
    item_of,
    lease_of,
    read_of,
    recount,
)
from scalemai_core.review.queue.tables import ReadState, acts, items, reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a reader asks to hold."""

    reader: Reader
    round: int
    count: int
    kinds: frozenset[ItemKind] | None
    expires: float
    """Seconds since 1970."""


def expire(connection: Connection, round_number: int, now: float) -> None:
    """Give back what readers left lying; what is being stored stays, whoever waits for it."""
    over = and_(
        reads.c.round == round_number,
        reads.c.state == ReadState.LEASED.value,
        reads.c.expires <= now,
    )
    late = list(connection.scalars(select(reads.c.item_id).where(over).distinct()))
    if not late:
        return
    # An item that somebody works on right now is left for the next call.
    lock = select(items).where(items.c.item_id.in_(late)).with_for_update(skip_locked=True)
    locked = {row.item_id: item_of(row.document) for row in connection.execute(lock)}
    gone = and_(over, reads.c.item_id.in_(locked))
    for row in connection.execute(select(reads).where(gone)).all():
        add_act(connection, "expired", locked[row.item_id], row.reader)
    connection.execute(delete(reads).where(gone))
    recount(connection, sorted(locked))


def keep_held(connection: Connection, wish: Wish, now: float) -> list[Lease]:
    """What the reader holds already, for longer: a page that was loaded again goes on."""
    own = (
        select(reads, items.c.document)
        .join(items, items.c.item_id == reads.c.item_id)
        .where(
            reads.c.round == wish.round,
            reads.c.reader == wish.reader.name,
            reads.c.state == ReadState.LEASED.value,
            reads.c.expires > now,
            _of_kinds(wish.kinds),
        )
        .order_by(items.c.priority.desc(), items.c.item_id)
        .limit(wish.count)
        # What another window of the reader is just answering is left out.
        .with_for_update(skip_locked=True)
    )
    held = connection.execute(own).all()
    for row in held:
        set_read(connection, row.lease_id, expires=wish.expires)
    leases = (lease_of(row, item_of(row.document)) for row in held)
    until = datetime.fromtimestamp(wish.expires, UTC)
    return [lease.model_copy(update={"expires": until}) for lease in leases]


def take(connection: Connection, wish: Wish, count: int) -> list[Lease]:
    """The best items that nobody holds and this reader has neither answered nor passed on."""
    statuses = [ItemStatus.OPEN.value]
    if wish.reader.adjudicates:
        statuses.append(ItemStatus.DISPUTED.value)
    wanted = (
        select(items)
        .where(
            items.c.round == wish.round,
            items.c.status.in_(statuses),
            items.c.taken < items.c.places,
            _of_kinds(wish.kinds),
            ~_met(wish.reader.name),
        )
        .order_by(items.c.priority.desc(), items.c.item_id)
        .limit(count)
        .with_for_update(skip_locked=True, of=items)
    )
    taken = [_lease(connection, row, wish) for row in connection.execute(wanted).all()]
    return [lease for lease in taken if lease is not None]


def own_read(connection: Connection, reader: str, lease_id: str, now: float) -> Row[Any]:
    """The read that the reader holds, its item locked; raises LeaseLostError."""
    return held_by(read_of(connection, lease_id), reader, now)


def held_by(row: Row[Any] | None, reader: str, now: float) -> Row[Any]:
    """The read, if it is the reader's to answer; raises LeaseLostError that says why not."""
    if row is None or row.reader != reader:
        raise LeaseLostError("this item is not held for you any more; take the next one")
    if row.state == ReadState.WRITING.value:
        raise LeaseLostError("an answer to this item is being stored; send it again in a moment")
    if row.state != ReadState.LEASED.value:
        raise LeaseLostError("this item is answered already; undo the answer to change it")
    if row.expires <= now:
        raise LeaseLostError("this item was in front of you for too long; take it again")
    return row


def give_back(connection: Connection, row: Row[Any]) -> None:
    """End a read, its item locked."""
    connection.execute(delete(reads).where(reads.c.lease_id == row.lease_id))
    recount(connection, [row.item_id])


def set_read(connection: Connection, under: str, **values: str | float) -> None:
    """Change the read under this lease, its item locked."""
    connection.execute(update(reads).where(reads.c.lease_id == under).values(**values))


def _lease(connection: Connection, row: Row[Any], wish: Wish) -> Lease | None:
    slot = free_slot(connection, row.item_id, row.places)
    if slot is None:
        return None
    item = item_of(row.document)
    read = {
        "item_id": row.item_id,
        "reader": wish.reader.name,
        "slot": slot,
        "round": row.round,
        "state": ReadState.LEASED.value,
        "lease_id": uuid.uuid4().hex,
        "expires": wish.expires,
    }
    connection.execute(insert(reads), read)
    recount(connection, [row.item_id])
    add_act(connection, "lease", item, wish.reader.name)
    stored = select(reads).where(reads.c.lease_id == read["lease_id"])
    return lease_of(connection.execute(stored).one(), item)


def _met(reader: str) -> ColumnElement[bool]:
    """Whether the reader holds, has answered or has passed on the item."""
    own = exists().where(reads.c.item_id == items.c.item_id, reads.c.reader == reader)
    passed = exists().where(
        acts.c.item_id == items.c.item_id,
        acts.c.act == Act.SKIP.value,
        acts.c.reader == reader,
    )
    return own | passed


def _of_kinds(kinds: frozenset[ItemKind] | None) -> ColumnElement[bool]:
    if kinds is None:
        return items.c.shown_kind.is_not(None)
    return items.c.shown_kind.in_(sorted(kind.value for kind in kinds))
