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
    LESION = "lesion"
    """Is this candidate a lesion? ``prediction`` says so, ``current`` deletes it."""
    EDIT = "edit"
    """Nothing shown is good enough, or nothing is there to show: draw it."""
    HONEYPOT = "honeypot"
    """The right answer is known from gold."""


DRAWN_KINDS = frozenset({ItemKind.CHOOSE, ItemKind.EDIT})
"""What may be answered by a drawing, or by deleting pieces, as a reader is told of it."""


class ReviewItem(Record):
    """A mask that needs a person."""

    item_id: str
    """Of round, scan, and structure or lesion candidate, so that a queue can be rebuilt."""
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
    """Key of the model whose prediction is a candidate."""
    rival: Candidate = Candidate.PREDICTION
    """What is shown beside the current mask; in an audit, what was decided."""
    rival_map: str | None = None
    """The rival's label map where it is not the prediction; None means an empty mask."""
    third: Candidate | None = None
    """A third mask to choose from; ``third_map`` is to it what ``rival_map`` is to the rival."""
    third_map: str | None = None
    candidate_id: str | None = None
    """Which of the scan's lesion candidates is asked about."""
    seconds: float = 0.0
    """Expected seconds of a person's time."""
    reads: int = 1
    """Readers who answer it, none knowing of the other."""
    expected: Candidate | None = None
    """A honeypot's right answer; no reader is ever shown it."""

    @property
    def shown_kind(self) -> ItemKind:
        """The kind that a reader is told: audits and honeypots look like any other choice."""
        hidden = (ItemKind.AUDIT, ItemKind.HONEYPOT)
        return ItemKind.CHOOSE if self.kind in hidden else self.kind


class Verdict(Record):
    """One person's answer to an item."""

    item_id: str
    round: int
    scan_id: str
    structure: str
    reader: str
    choice: Candidate
    """``current`` keeps, ``prediction`` takes the model's, any other takes ``label_map``."""
    label_map: str | None = None
    """The chosen mask's label map: drawn by the reader, or the item's ``rival_map``; None means
    empty. Neither for ``current`` nor for ``prediction``."""
    base_label_map: str | None = None
    seconds: float
    created: datetime

    @property
    def on_mask(self) -> bool:
        """Whether it is on a whole mask, and not on one lesion candidate."""
        return self.item_id == mask_item(self.round, self.scan_id, self.structure)


def mask_item(round_number: int, scan_id: str, structure: str) -> str:
    """Id of the question about a mask."""
    return f"{round_number}-{scan_id}-{structure}"


def lesion_item(round_number: int, scan_id: str, candidate_id: str) -> str:
    """Id of the question about one lesion candidate."""
    return f"{round_number}-{scan_id}-{candidate_id}"
