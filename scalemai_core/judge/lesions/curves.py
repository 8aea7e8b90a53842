"""Curves of a site, out of the comparisons with gold; method reference, sections 11.3 and 11.4."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.measure.detection.froc import Scans, sensitivity_interval
from scalemai_core.measure.detection.roc import (
    PatientScores,
    auc_delong,
    average_precision,
    roc_band,
)
from scalemai_core.measure.detection.table import DetectionTable
from scalemai_core.measure.statistics import Interval
from scalemai_core.records.detection import Curve, Detection, DetectionKind

NUM_POINTS = 61
FIRST, LAST = 1 / 32, 32.0
"""Ends of the axis of false positives per scan."""

NO_CURVE = Curve(x=(), y=(), low=(), high=())


def draw_froc(
    rows: Sequence[Detection], over: Scans, bootstraps: int, rng: np.random.Generator
) -> Curve:
    """Sensitivity against false positives per scan; no points where there is nothing to find."""
    table = detection_table(rows)
    counted = table.is_normal.any() if over is Scans.NORMAL else len(table.patients)
    if not counted or not len(table.lesion_confidence):
        return NO_CURVE
    x = np.geomspace(FIRST, LAST, NUM_POINTS)
    return _curve(x, sensitivity_interval(table, x, rng, num=bootstraps, over=over))


def draw_roc(rows: Sequence[Detection], bootstraps: int, rng: np.random.Generator) -> Curve:
    """Patients with a lesion against patients without; no points without both."""
    scores = patient_scores(rows)
    if scores.is_positive.all() or not scores.is_positive.any():
        return NO_CURVE
    x = np.linspace(0.0, 1.0, NUM_POINTS)
    return _curve(x, roc_band(scores, x, rng, num=bootstraps))


def auc_interval(rows: Sequence[Detection]) -> tuple[float | None, float | None, float | None]:
    """The area under the curve and DeLong's bounds; None where a class is too small for it."""
    if not rows:
        return None, None, None
    found = auc_delong(patient_scores(rows))
    estimate, low, high = (_known(end) for end in (found.estimate, found.low, found.high))
    return estimate, low, high


def precision(rows: Sequence[Detection]) -> float | None:
    """Average precision of lesions; None without any."""
    table = detection_table(rows)
    value = average_precision(table.lesion_confidence, table.false_positive_confidence)
    return None if math.isnan(value) else value


def detection_table(rows: Sequence[Detection]) -> DetectionTable:
    """The rows of one site, flat; confidences are probabilities."""
    looked = [row for row in rows if row.kind is DetectionKind.LOOKED]
    index = {row.scan_id: number for number, row in enumerate(looked)}
    lesions = [row for row in rows if row.lesion is not None]
    false = [row for row in rows if row.kind is DetectionKind.FALSE_POSITIVE]
    with_lesions = {row.scan_id for row in lesions}
    return DetectionTable(
        patients=tuple(row.patient for row in looked),
        is_normal=np.array([row.scan_id not in with_lesions for row in looked], dtype=np.bool_),
        lesion_scan=np.array([index[row.scan_id] for row in lesions], dtype=np.int64),
        lesion_confidence=np.array([_confidence(row) for row in lesions], dtype=np.float64),
        false_positive_scan=np.array([index[row.scan_id] for row in false], dtype=np.int64),
        false_positive_confidence=np.array([_confidence(row) for row in false], dtype=np.float64),
    )


def patient_scores(rows: Sequence[Detection]) -> PatientScores:
    """Of every patient the most probable candidate; positive with any lesion."""
    return PatientScores.of_scans(
        [row.patient for row in rows],
        [_confidence(row) for row in rows],
        [row.lesion is not None for row in rows],
    )


def _confidence(row: Detection) -> float:
    return 0.0 if row.candidate is None else row.candidate.probability


def _curve(x: NDArray[np.float64], band: Interval) -> Curve:
    y, low, high = (tuple(end.tolist()) for end in (band.estimate, band.low, band.high))
    return Curve(x=tuple(x.tolist()), y=y, low=low, high=high)


def _known(value: NDArray[Any]) -> float | None:
    number = float(value)
    return None if math.isnan(number) else number
