"""What candidates cost the people who look at them; method reference, section 1.6."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scalemai_core.judge.lesions.operating_point import ScoredScan
from scalemai_core.records.operating_point import AnnotationCost
from scalemai_core.settings.lesions import LesionSettings


def seconds_per_scan(
    *, false_positives: float, lesions: float, sensitivity: float, settings: LesionSettings
) -> float:
    """To delete what is false, correct a share of what is found, and draw what was missed.

    ``false_positives`` and ``lesions`` are a scan's, on average.
    """
    found = lesions * sensitivity
    return (
        settings.seconds_look
        + settings.seconds_false_positive * false_positives
        + settings.seconds_edit * settings.edit_share * found
        + settings.seconds_draw * (lesions - found)
    )


def sweep(scans: Sequence[ScoredScan], settings: LesionSettings) -> tuple[AnnotationCost, ...]:
    """The cost at every threshold at which something changes, from the lowest one on."""
    if not scans:
        return ()
    lesions = [value for scan in scans for value in scan.lesions]
    false = [value for scan in scans for value in scan.false_positives]
    thresholds = sorted({value for value in (*lesions, *false) if math.isfinite(value)})
    return tuple(cost_at(threshold, scans, settings) for threshold in thresholds)


def cost_at(
    threshold: float, scans: Sequence[ScoredScan], settings: LesionSettings
) -> AnnotationCost:
    """The cost of one threshold; there is at least one scan."""
    lesions = [value for scan in scans for value in scan.lesions]
    false = [value for scan in scans for value in scan.false_positives]
    found = sum(value >= threshold for value in lesions)
    sensitivity = found / len(lesions) if lesions else None
    false_positives = sum(value >= threshold for value in false) / len(scans)
    seconds = seconds_per_scan(
        false_positives=false_positives,
        lesions=len(lesions) / len(scans),
        sensitivity=sensitivity or 0.0,
        settings=settings,
    )
    manual = settings.seconds_draw * len(lesions) / len(scans)
    return AnnotationCost(
        log_odds=threshold,
        sensitivity=sensitivity,
        false_positives_per_scan=false_positives,
        seconds_per_scan=seconds,
        saved_share=1.0 - seconds / manual if lesions else None,
    )
