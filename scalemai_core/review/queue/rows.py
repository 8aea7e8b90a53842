"""Single rows of the queue, and the lock under which an item's reads may change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from scalemai_core.records.lease import Lease
from scalemai_core.records.review import ReviewItem
from scalemai_core.review.queue.tables import acts, items, reads

UNDO = "undo-"
"""Before the id of the answer that it takes back: the document of an undo."""


def lock_item(connection: Connection, item_id: str) -> Row[Any] | None:
    """The item's row, until the transaction ends nobody else's; None where there is none.

    Rows of review_reads are only ever changed under this lock.
    """
    wanted = select(items).where(items.c.item_id == item_id).with_for_update()
    return connection.execute(wanted).one_or_none()


def read_of(connection: Connection, lease_id: str) -> Row[Any] | None:
    """The read under this lease, with its item locked."""
    this = reads.c.lease_id == lease_id
    item_id = connection.scalar(select(reads.c.item_id).where(this))
    if item_id is None:
        return None
    lock_item(connection, item_id)
    # Anew: what was found without the lock may be gone.
    return connection.execute(select(reads).where(this)).one_or_none()


def free_slot(connection: Connection, item_id: str, places: int) -> int | None:
    """The first place that nobody has taken, of an item that is locked."""
    taken = set(connection.scalars(select(reads.c.slot).where(reads.c.item_id == item_id)))
    return next((slot for slot in range(places) if slot not in taken), None)


def recount(connection: Connection, item_ids: list[str]) -> None:
    """Bring the number of taken places of locked items up to date."""
    number = select(func.count()).where(reads.c.item_id == items.c.item_id).scalar_subquery()
    connection.execute(update(items).where(items.c.item_id.in_(item_ids)).values(taken=number))


def add_act(
    connection: Connection, act: str, item: ReviewItem, reader: str, **more: float | str
) -> None:
    """Add a line that the workspace's log does not hold: leases, refusals."""
    row: dict[str, Any] = {
        "act": act,
        "round": item.round,
        "item_id": item.item_id,
        "reader": reader,
        "created": datetime.now(UTC).timestamp(),
        "seconds": 0.0,
        "reason": "",
    }
    connection.execute(insert(acts), row | more)


def lease_of(row: Row[Any], item: ReviewItem) -> Lease:
    """A row of review_reads as a lease."""
    return Lease(
        lease_id=row.lease_id,
        item=item,
        reader=row.reader,
        slot=row.slot,
        expires=datetime.fromtimestamp(row.expires, UTC),
    )


def item_of(document: str) -> ReviewItem:
    """The item of a row of review_items."""
    return ReviewItem.model_validate_json(document)


def read_item(connection: Connection, item_id: str) -> ReviewItem:
    """The item of this id, which there must be."""
    document = connection.scalar(select(items.c.document).where(items.c.item_id == item_id))
    return item_of(str(document))
