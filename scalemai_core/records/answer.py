"""What a reader says of the item in front of them, and what they get back for it."""

from __future__ import annotations

from pydantic import Field

from scalemai_core.records.base import Record
from scalemai_core.records.decision import Candidate
from scalemai_core.records.listed_item import ItemStatus


class PieceName(Record):
    """A piece of the current mask by the only name under which it is deleted."""

    number: int
    piece_hash: str


class Answer(Record):
    """A choice among what was shown."""

    choice: Candidate
    base_label_map: str | None
    """The current mask's label map as it was shown."""
    seconds: float = Field(ge=0, allow_inf_nan=False)
    note: str = Field(default="", max_length=1000)
    pieces: tuple[PieceName, ...] = ()
    """Pieces of the current mask to delete; the choice is then ``reader``."""


class Receipt(Record):
    """The answer is kept for good."""

    entry_id: str
    item_id: str
    status: ItemStatus
    """Of the item as its reader may know it: answered, it looks decided."""
