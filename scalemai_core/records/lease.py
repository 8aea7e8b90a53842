"""Who has an item open."""

from __future__ import annotations

from datetime import datetime

from scalemai_core.records.base import Record
from scalemai_core.records.review import ReviewItem


class Lease(Record):
    """One item, held for one reader until it expires; nobody else is given it meanwhile."""

    lease_id: str
    """Also the id of the answer given under it, so that an answer counts once."""
    item: ReviewItem
    reader: str
    slot: int
    """Which of the item's reads: 0, 1 where it is read twice; an adjudication comes after those."""
    expires: datetime
