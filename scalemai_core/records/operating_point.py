"""Where lesion candidates are cut, what that guarantees, and what it costs."""

from __future__ import annotations

from scalemai_core.records.base import Record


class OperatingPoint(Record):
    """The threshold of one site, chosen on gold ``fit``; people look at what is not below it."""

    site: str
    log_odds: float
    probability: float
    target_sensitivity: float
    guaranteed_sensitivity: float
    """Lower bound of the expected share of a new patient's lesions that are at or above the
    threshold, over draws of the patients it was chosen on as well."""
    reached: bool
    """Whether that is the target or more."""
    reason: str
    """Why this threshold, in words."""
    patients: int
    """With lesions, on which it was chosen."""
    lesions: int
    sensitivity: float | None
    """Share of those lesions at or above the threshold; None without any."""
    scans: int
    false_positives_per_scan: float | None
    """Over all scans, those with lesions too; None without scans."""
    false_positives_per_normal_scan: float | None
    """Over scans without a lesion; None where there are none."""


class AnnotationCost(Record):
    """What one threshold costs people, a scan; method reference, section 1.6."""

    log_odds: float
    sensitivity: float | None
    """Share of all lesions found; None where there is none to find."""
    false_positives_per_scan: float
    seconds_per_scan: float
    saved_share: float | None
    """Of the time that drawing every lesion takes; negative where it costs more, None where there
    is nothing to draw."""
