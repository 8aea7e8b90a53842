"""How far a round's review is, and how its readers do."""

from __future__ import annotations

from scalemai_core.records.base import Record


class Proportion(Record):
    """A share with its exact 95 % interval."""

    right: int
    total: int
    share: float | None
    """None where nothing was counted."""
    low: float
    high: float


class Progress(Record):
    """How far a round's review is."""

    open: int
    """Items that wait for an answer, those in front of readers included."""
    leased: int
    """Items in front of a reader now."""
    disputed: int
    decided: int
    total: int
    share: float
    """Decided items among all."""
    minutes_left: float | None
    """Of one person, at the pace of the last answers; None before the first."""


class ReaderFigures(Record):
    """One reader's part."""

    reader: str
    answers: int
    """That stand."""
    skips: int
    undone: int
    median_seconds: float | None
    by_kind: dict[str, int]
    """Answers by the kind that the reader was told."""
    honeypots: Proportion | None
    """Right ones; kept from those who only read, who must not learn which items they were."""


class ReviewStats(Record):
    """What the page of figures shows: readers see their own line, adjudicators all."""

    round: int
    progress: Progress
    readers: tuple[ReaderFigures, ...]
    agreement: Proportion
    """Items that two readers answered alike, among those that two have answered."""
