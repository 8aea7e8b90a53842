"""What a report settles of the candidates of a scan."""

from __future__ import annotations

from enum import StrEnum

from scalemai_core.records.base import Record


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
