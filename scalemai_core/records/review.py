"""One question to a person, and that person's answer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from scalemai_core.records.base import Record
from scalemai_core.records.decision import Candidate


class ItemKind(StrEnum):
    """What is asked."""

    CHOOSE = "choose"
    """Which of the candidates is right?"""
    AUDIT = "audit"
    """Was this automatic decision right?"""


class ReviewItem(Record):
    """A mask that needs a person."""

    item_id: str
    """Derived from round, scan and structure, so that a queue can be rebuilt."""
    round: int
    kind: ItemKind
    scan_id: str
    structure: str
    priority: float
    """Expected gain; the queue is worked from the highest down."""
    reason: str
    base_label_map: str | None
    """The current mask's label map: a verdict on any other base is refused."""
    prediction: str | None
    """Path of the prediction that is shown beside it, below the workspace."""


class Verdict(Record):
    """One person's answer; appended to the workspace before it is acknowledged."""

    item_id: str
    round: int
    scan_id: str
    structure: str
    reader: str
    choice: Candidate
    """``current`` keeps, ``prediction`` takes the model's, ``reader`` takes the drawn mask."""
    label_map: str | None = None
    """The drawn mask's label map where the choice is ``reader``; None means drawn as empty."""
    base_label_map: str | None = None
    seconds: float
    created: datetime
