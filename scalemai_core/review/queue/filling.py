"""Making a queue out of what the workspace holds: items, and what was done with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from scalemai_core.records.listed_item import ItemStatus
from scalemai_core.records.review import ReviewItem
from scalemai_core.records.review_entry import ReviewEntry
from scalemai_core.review.queue.applying import apply
from scalemai_core.review.queue.tables import acts, items


def fill(connection: Connection, new: Sequence[ReviewItem], entries: Sequence[ReviewEntry]) -> None:
    """Add what is not there yet; entries of items that nobody knows are left out."""
    known = set(connection.scalars(select(items.c.item_id)))
    rows = [_row(item) for item in new if item.item_id not in known]
    if rows:
        connection.execute(insert(items), rows)
    rounds = sorted({entry.round for entry in entries})
    there = set(connection.scalars(select(acts.c.entry_id).where(acts.c.round.in_(rounds))))
    by_item: defaultdict[str, list[ReviewEntry]] = defaultdict(list)
    for entry in sorted(entries, key=lambda one: (one.created, one.entry_id)):
        if entry.entry_id not in there:
            by_item[entry.item_id].append(entry)
    for item_id in sorted(by_item):  # items are locked in one order by everybody
        for entry in by_item[item_id]:
            apply(connection, entry)


def _row(item: ReviewItem) -> dict[str, object]:
    return {
        "item_id": item.item_id,
        "round": item.round,
        "shown_kind": item.shown_kind.value,
        "priority": item.priority,
        "status": ItemStatus.OPEN.value,
        "places": item.reads,
        "taken": 0,
        "document": item.model_dump_json(),
    }
