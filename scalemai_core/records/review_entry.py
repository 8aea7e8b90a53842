"""What people did on the review page, one line each; never changed, only added to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from scalemai_core.records.base import Record
from scalemai_core.records.reader import Role
from scalemai_core.records.review import Verdict


class Act(StrEnum):
    """What a line of the review log says."""

    ANSWER = "answer"
    UNDO = "undo"
    """Takes an earlier answer back."""
    SKIP = "skip"
    """Somebody else should look at it; with the reason."""


class ReviewEntry(Record):
    """One act of one reader on one item."""

    entry_id: str
    """Of an answer: the id of the lease it was given under, so that it counts once."""
    act: Act
    round: int
    item_id: str
    reader: str
    role: Role = Role.READER
    created: datetime
    seconds: float = 0.0
    """Time the item was in front of the reader."""
    reason: str = ""
    """Why it was skipped, or what was done in words: ``deleted piece 2 (3.1 ml)``."""
    verdict: Verdict | None = None
    """Of an answer."""
    undoes: str | None = None
    """Of an undo: the answer's entry."""
