"""What happens to an annotation in a round."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """The outcomes of the decision table."""

    KEEP = "keep"
    REPLACE = "replace"
    """By the candidate that the decision names."""
    IMPUTE = "impute"
    """Unknown becomes the prediction."""
    SET_ABSENT = "set_absent"
    REVIEW = "review"
    HOLD = "hold"
    """Kept as it is, weight 0 in training, until somebody decides."""


class Candidate(StrEnum):
    """A mask that could become the annotation."""

    CURRENT = "current"
    PREDICTION = "prediction"
    REPAIRED = "repaired"
    ALTERNATIVE = "alternative"
    """A mask it had before, or another source's labels for a scan already stored."""
    DECIDED = "decided"
    """What an automatic decision made of it, after composition: shown in audits."""
    REPORTED = "reported"
    """What a radiology report states: lesion candidates that it names, or nothing at all."""
    READER = "reader"
