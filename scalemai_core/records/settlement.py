"""What a report settles of the candidates of a scan."""

from __future__ import annotations

from enum import StrEnum

from scalemai_core.records.base import Record
from scalemai_core.records.lesion import LesionCandidate


class Outcome(StrEnum):
    """What becomes of a candidate."""

    KEEP = "keep"
    """The report names a lesion that it fits."""
    REVIEW = "review"
    """A person decides."""
    DELETE = "delete"
    """The report excludes it: removed, and known to be nothing."""


class Settlement(Record):
    """The outcome of one candidate, and the words that it rests on."""

    scan_id: str
    candidate_id: str
    outcome: Outcome
    reason: str
    sentences: tuple[str, ...] = ()
    """Of the report, as written."""
    audit: bool = False
    """Whether a person looks at this deletion all the same: reports overlook things."""


class Fate(StrEnum):
    """What a round makes of a candidate."""

    LABELLED = "labelled"
    """The annotation has a lesion there."""
    BELOW = "below"
    """Less probable than the operating point."""
    READ = "read"
    """A reader has decided on this site in an earlier round."""
    KEPT = "kept"
    """The report names a lesion that it fits."""
    DELETED = "deleted"
    """The report excludes it."""
    REVIEW = "review"
    """A person decides, if there is time."""


class JudgedCandidate(LesionCandidate):
    """A row of a round's table ``candidates``."""

    fate: Fate
    reason: str
    sentences: str = ""
    """Of the report, on which that rests."""
    audit: bool = False
    """Deleted, and looked at by a person all the same."""
