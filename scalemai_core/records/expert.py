"""What is known of a round's expert: what it learned from, and where it may act."""

from __future__ import annotations

from scalemai_core.records.base import Record


class Family(Record):
    """A kind of structures, and how the expert did on patients it never saw."""

    kind: str
    pairs: int
    """Pairs of masks of which one is clearly better."""
    patients: int
    coverage: float
    """Share of the pairs on which it did not abstain."""
    accuracy: float
    """Share right of those."""
    low: float
    """Lower bound of the accuracy: 95 %, bootstrap by patient, one error more than was seen."""
    enabled: bool


class ExpertReport(Record):
    """``rounds/<n>/expert.json``: how good the expert of a round is, and on what that rests."""

    source: str
    """``gold``; ``stand-in`` where agreeing masks stood in; ``none`` where there was neither."""
    patients: int
    """Patients it learned from."""
    masks: int
    """Masks it learned from."""
    calibration_error: float | None
    """Of the quality, on patients it never saw."""
    families: tuple[Family, ...]
    features: tuple[str, ...] = ()
