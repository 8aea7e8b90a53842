"""Around the moment in which an act is stored in the workspace: begun, and what if nobody ended it.

Between the two only the workspace knows whether the act counts; see ``Queue.in_doubt``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from scalemai_core.errors import UsageError
from scalemai_core.records.lease import Lease
from scalemai_core.records.listed_item import ItemStatus
from scalemai_core.records.review_entry import Act, ReviewEntry
from scalemai_core.review.queue.applying import entries_of
from scalemai_core.review.queue.leasing import give_back, own_read, set_read
from scalemai_core.review.queue.rows import UNDO, item_of, lease_of, lock_item, read_of
from scalemai_core.review.queue.tables import ReadState, acts, items, reads
from scalemai_core.review.ruling import ruling


def begin(connection: Connection, lease: Lease, now: float, until: float) -> None:
    """An answer is going to be stored; nobody else is given the item until that is known."""
    row = own_read(connection, lease.reader, lease.lease_id, now)
    set_read(connection, row.lease_id, state=ReadState.WRITING.value, expires=until)


def begin_undo(
    connection: Connection, reader: str, round_number: int, depth: int, until: float
) -> ReviewEntry:
    """The reader's newest answer is going to be taken back; raises UsageError where it may not."""
    entry = _newest(connection, reader, round_number, depth)
    row = read_of(connection, entry.entry_id)
    if row is None or row.state != ReadState.ANSWERED.value:
        raise UsageError("your last answer cannot be taken back just now; try again in a moment")
    _check_not_adjudicated(connection, row)
    set_read(connection, row.lease_id, state=ReadState.UNDOING.value, expires=until)
    return entry


def is_storing(connection: Connection, reader: str, lease_id: str) -> bool:
    """Whether the reader's answer under this lease may have been stored without being noted."""
    this = and_(
        reads.c.lease_id == lease_id,
        reads.c.reader == reader,
        reads.c.state == ReadState.WRITING.value,
    )
    return connection.scalar(select(reads.c.slot).where(this)) is not None


def end_of(connection: Connection, round_number: int) -> dict[str, Any] | None:
    """The line that says that all is answered, the same for all who find it; None if it is not."""
    left = [ItemStatus.OPEN.value, ItemStatus.DISPUTED.value]
    unfinished = select(items.c.item_id).where(
        items.c.round == round_number, items.c.status.in_(left)
    )
    if connection.scalar(unfinished.limit(1)) is not None:
        return None
    noted = and_(acts.c.round == round_number, acts.c.document.is_not(None))
    number = connection.scalar(select(func.count()).select_from(acts).where(noted))
    return {
        "entry_id": f"end-{round_number}-{number}",
        "act": "end",
        "round": round_number,
        "item_id": "",
        "reader": "",
        "created": datetime.now(UTC).timestamp(),
        "seconds": 0.0,
        "reason": "",
    }


def in_doubt(connection: Connection, round_number: int, now: float) -> tuple[Lease, ...]:
    """Reads whose server never said how storing ended; ``lease_id`` names the document to ask."""
    storing = [ReadState.WRITING.value, ReadState.UNDOING.value]
    wanted = (
        select(reads, items.c.document)
        .join(items, items.c.item_id == reads.c.item_id)
        .where(reads.c.round == round_number, reads.c.state.in_(storing), reads.c.expires <= now)
    )
    return tuple(_doubtful(row) for row in connection.execute(wanted))


def free(connection: Connection, lease: Lease) -> None:
    """The workspace does not have it: the answer was never given, or never taken back."""
    row = read_of(connection, lease.lease_id.removeprefix(UNDO))
    if row is None:
        return
    if row.state == ReadState.UNDOING.value:
        set_read(connection, row.lease_id, state=ReadState.ANSWERED.value)
    elif row.state == ReadState.WRITING.value:
        give_back(connection, row)


def _doubtful(row: Row[Any]) -> Lease:
    lease = lease_of(row, item_of(row.document))
    if row.state == ReadState.WRITING.value:
        return lease
    return lease.model_copy(update={"lease_id": f"{UNDO}{row.lease_id}"})


def _newest(connection: Connection, reader: str, round_number: int, depth: int) -> ReviewEntry:
    own = and_(acts.c.round == round_number, acts.c.reader == reader)
    answers = (
        select(acts.c.document)
        .where(own, acts.c.act == Act.ANSWER.value)
        .order_by(acts.c.number.desc())
        .limit(depth)
    )
    undos = select(acts.c.document).where(own, acts.c.act == Act.UNDO.value)
    undone = {ReviewEntry.model_validate_json(one).undoes for one in connection.scalars(undos)}
    for document in connection.scalars(answers).all():
        entry = ReviewEntry.model_validate_json(document)
        if entry.entry_id not in undone:
            return entry
    raise UsageError("you have no answer that can still be taken back")


def _check_not_adjudicated(connection: Connection, row: Row[Any]) -> None:
    """Somebody who adjudicates has seen both answers, or is just deciding; that is final."""
    item_row = lock_item(connection, row.item_id)
    if item_row is None or item_row.places == item_of(item_row.document).reads:
        return
    found = ruling(item_of(item_row.document), entries_of(connection, row.item_id))
    deciding = connection.scalar(
        select(reads.c.reader).where(
            reads.c.item_id == row.item_id,
            reads.c.state == ReadState.WRITING.value,
            reads.c.reader != row.reader,
        )
    )
    judged = found.verdict is not None and found.verdict.reader != row.reader
    if deciding is not None or judged:
        raise UsageError("readers differed on this item and it was decided; it cannot be undone")
