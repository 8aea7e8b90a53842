"""An item as a list shows it: with where it stands."""

from __future__ import annotations

from enum import StrEnum

from scalemai_core.records.base import Record
from scalemai_core.records.review import ReviewItem


class ItemStatus(StrEnum):
    """Where an item stands."""

    OPEN = "open"
    LEASED = "leased"
    """All of its reads are answered, or held by others."""
    MINE = "mine"
    """Held for the reader who looks at the list."""
    DISPUTED = "disputed"
    """Two readers differ; somebody who adjudicates has to say."""
    DECIDED = "decided"


class ListedItem(Record):
    """A line of the list of items."""

    item: ReviewItem
    status: ItemStatus
    """To a reader who cannot answer it any more an item looks decided."""
    skipped: tuple[str, ...] = ()
    """Why readers passed it on, oldest first."""
