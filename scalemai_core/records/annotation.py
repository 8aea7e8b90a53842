"""What is believed of one structure in one scan."""

from __future__ import annotations

from enum import StrEnum

from scalemai_core.records.base import Record


class State(StrEnum):
    """Never two-valued: not labelled is not the same as not there."""

    PRESENT = "present"
    ABSENT = "absent"
    """Known to be empty."""
    UNKNOWN = "unknown"
    """No information."""


class Origin(StrEnum):
    """Who made an annotation."""

    NONE = "none"
    """Nobody yet: the structure is unknown."""
    GOLD = "gold"
    """A trusted source."""
    SOURCE = "source"
    """An ingested label, trusted as far as it proves good."""
    MODEL = "model"
    RULE = "rule"
    HUMAN = "human"
    REPORT = "report"


class Annotation(Record):
    """State, origin and quality of one structure in one scan, and where its voxels are."""

    scan_id: str
    structure: str
    state: State
    label_map: str | None = None
    """Hash of the label map; None while the state is unknown."""
    origin: Origin = Origin.NONE
    origin_name: str = ""
    """Which source, model version, rule or reader."""
    quality: float | None = None
    """Estimated probability that the mask is good; None where nothing was estimated."""
    weight: float = 1.0
    """Weight in training: the quality where one was estimated; 0 while on hold."""
    round: int = 0
    """Round in which it last changed; 0 is ingestion."""
    reason: str = ""
    """Why it is as it is."""
    revision: int = 0
    """Counts changes of state or voxels; 0 is never labelled."""
    previous_label_map: str | None = None
    """The label map it had before its last change."""
