"""What an entry of the workspace's log does to the queue: once, in whatever order it comes."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, select, update

from scalemai_core.records.listed_item import ItemStatus
from scalemai_core.records.review_entry import Act, ReviewEntry
from scalemai_core.review.queue.leasing import give_back, set_read
from scalemai_core.review.queue.rows import free_slot, item_of, lock_item, recount
from scalemai_core.review.queue.tables import ReadState, acts, items, reads
from scalemai_core.review.ruling import ruling

HELD = (ReadState.LEASED.value, ReadState.WRITING.value)


def apply(connection: Connection, entry: ReviewEntry) -> ItemStatus | None:
    """Note an entry and what follows from it; the item's status, None where it is unknown.

    The workspace has the entry already, so it is never refused: an answer that comes late takes
    the place of whoever holds the item now.
    """
    row = lock_item(connection, entry.item_id)
    if row is None:
        return None
    known = select(acts.c.number).where(acts.c.entry_id == entry.entry_id)
    if connection.scalar(known) is not None:
        return ItemStatus(row.status)
    _note(connection, entry)
    if entry.act is Act.ANSWER:
        _answer(connection, row, entry)
    elif entry.act is Act.SKIP:
        _end(connection, entry.entry_id)
    else:
        _undo(connection, str(entry.undoes))
    return _settle(connection, row)


def entries_of(connection: Connection, item_id: str) -> list[ReviewEntry]:
    """All entries of one item that the queue knows."""
    wanted = select(acts.c.document).where(acts.c.item_id == item_id, acts.c.document.is_not(None))
    return [ReviewEntry.model_validate_json(one) for one in connection.scalars(wanted)]


def _note(connection: Connection, entry: ReviewEntry) -> None:
    line = {
        "entry_id": entry.entry_id,
        "act": entry.act.value,
        "round": entry.round,
        "item_id": entry.item_id,
        "reader": entry.reader,
        "created": entry.created.timestamp(),
        "seconds": entry.seconds,
        "reason": entry.reason,
        "document": entry.model_dump_json(),
    }
    connection.execute(insert(acts), line)


def _answer(connection: Connection, item: Row[Any], entry: ReviewEntry) -> None:
    own = and_(reads.c.item_id == item.item_id, reads.c.reader == entry.reader)
    held = connection.execute(select(reads).where(own)).one_or_none()
    if held is not None:
        if held.lease_id == entry.entry_id or held.state in HELD:
            answered = {"state": ReadState.ANSWERED.value, "lease_id": entry.entry_id}
            set_read(connection, held.lease_id, **answered)
        return
    slot = free_slot(connection, item.item_id, item.places)
    if slot is None:
        slot = _evict(connection, item.item_id)
    if slot is not None:
        read = {
            "item_id": item.item_id,
            "reader": entry.reader,
            "slot": slot,
            "round": entry.round,
            "state": ReadState.ANSWERED.value,
            "lease_id": entry.entry_id,
            "expires": 0.0,
        }
        connection.execute(insert(reads), read)


def _evict(connection: Connection, item_id: str) -> int | None:
    """Take a read from its holder, who has not answered yet; None where all have."""
    held = and_(reads.c.item_id == item_id, reads.c.state == ReadState.LEASED.value)
    row = connection.execute(select(reads).where(held).order_by(reads.c.slot)).first()
    if row is None:
        return None
    give_back(connection, row)
    return row.slot


def _end(connection: Connection, lease_id: str) -> None:
    held = and_(reads.c.lease_id == lease_id, reads.c.state.in_(HELD))
    connection.execute(delete(reads).where(held))


def _undo(connection: Connection, entry_id: str) -> None:
    """Back in front of the reader who took the answer back, if that reader still waits for it."""
    row = connection.execute(select(reads).where(reads.c.lease_id == entry_id)).one_or_none()
    if row is None:
        return
    if row.state == ReadState.UNDOING.value:
        again = {"state": ReadState.LEASED.value, "lease_id": uuid.uuid4().hex}
        set_read(connection, entry_id, **again)
    else:
        connection.execute(delete(reads).where(reads.c.lease_id == entry_id))


def _settle(connection: Connection, row: Row[Any]) -> ItemStatus:
    """Let the item stand where all its entries put it."""
    item = item_of(row.document)
    entries = entries_of(connection, row.item_id)
    found = ruling(item, entries)
    disputed = found.status is ItemStatus.DISPUTED
    # A dispute was put to somebody: that answer keeps its place after it is decided. A dispute that
    # has more answers than reads, one of them late, still needs a place for who decides it.
    given = max(item.reads, len(found.answers))
    places = given + 1 if disputed else min(given, item.reads + 1)
    needless = and_(reads.c.item_id == row.item_id, reads.c.state == ReadState.LEASED.value)
    if found.status is ItemStatus.OPEN:
        needless = and_(needless, reads.c.slot >= item.reads)
    if not disputed:
        connection.execute(delete(reads).where(needless))
    connection.execute(
        update(items)
        .where(items.c.item_id == row.item_id)
        .values(status=found.status.value, places=places)
    )
    recount(connection, [row.item_id])
    return found.status
