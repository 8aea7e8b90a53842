"""Patients with and without lesions told apart; average precision of lesions.

Method reference, sections 11.3 and 11.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats  # pyright: ignore[reportMissingTypeStubs]

from scalemai_core.measure.detection.resample import (
    draw_patients,
    patient_codes,
    percentile_interval,
)
from scalemai_core.measure.statistics import Interval
from scalemai_core.volume.compiled import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class PatientScores:
    """A row per patient."""

    score: Floats
    is_positive: Bools

    @classmethod
    def of_scans(
        cls, patients: Sequence[str], score: ArrayLike, is_positive: Sequence[bool] | Bools
    ) -> Self:
        """A patient's highest score over all scans, positive if any scan is.

        A scan's score is its most confident candidate's, 0 without candidates.
        """
        codes, num = patient_codes(patients)
        highest, positive = np.full(num, -np.inf), np.zeros(num, dtype=np.bool_)
        np.maximum.at(highest, codes, np.asarray(score, dtype=np.float64))
        np.logical_or.at(positive, codes, np.asarray(is_positive, dtype=np.bool_))
        return cls(highest, positive)


@dataclass(frozen=True, slots=True, eq=False)
class RocCurve:
    """From nobody called positive to everybody; a point for each score, highest first."""

    threshold: Floats
    """``(n,)``, falling from inf."""
    sensitivity: Floats
    false_positive_rate: Floats
    """1 - specificity."""


def roc_curve(scores: PatientScores) -> RocCurve:
    """Rates are NaN where a class is empty."""
    order = np.argsort(-scores.score, kind="stable")
    falling, positive = scores.score[order], scores.is_positive[order]
    ends = np.flatnonzero(_closes(falling))
    hits, false = (
        np.append(0.0, np.cumsum(side)[ends]) / (np.count_nonzero(side) if side.any() else np.nan)
        for side in (positive, ~positive)
    )
    return RocCurve(np.append(np.inf, falling[ends]), hits, false)


def auc(scores: PatientScores) -> float:
    """Area under the curve by the trapezoid, ties half; NaN where a class is empty."""
    curve = roc_curve(scores)
    return float(np.trapezoid(curve.sensitivity, curve.false_positive_rate))


def auc_delong(scores: PatientScores, *, level: float = 0.95) -> Interval:
    """The area with DeLong's interval, cut to [0, 1]; no bounds with fewer than two of a class.

    Where the classes do not overlap its variance is 0 and both bounds are 1, however few patients
    there are.
    """
    positive, negative = (scores.score[side] for side in (scores.is_positive, ~scores.is_positive))
    estimate = np.asarray(auc(scores), dtype=np.float64)
    if min(len(positive), len(negative)) < 2:  # noqa: PLR2004 - no variance of one
        return Interval(estimate, np.asarray(np.nan), np.asarray(np.nan))
    ranks = _ranks(np.concatenate((positive, negative)))
    # The share of the other class on the right side of each patient, from ranks.
    above = (ranks[: len(positive)] - _ranks(positive)) / len(negative)
    below = 1.0 - (ranks[len(positive) :] - _ranks(negative)) / len(positive)
    variance = above.var(ddof=1) / len(positive) + below.var(ddof=1) / len(negative)
    reach = special.ndtri((1.0 + level) / 2.0) * np.sqrt(variance)
    bounds = np.clip([estimate - reach, estimate + reach], 0.0, 1.0)
    return Interval(estimate, bounds[0], bounds[1])


def auc_by_patient(
    scores: PatientScores, rng: np.random.Generator, *, num: int, level: float = 0.95
) -> Interval:
    """The area, bootstrapped by patient."""
    drawn, _ = _resampled(scores, np.zeros(0), rng, num)
    return percentile_interval(np.asarray(auc(scores), dtype=np.float64), drawn[:, None], level)


def roc_band(
    scores: PatientScores,
    false_positive_rate: ArrayLike,
    rng: np.random.Generator,
    *,
    num: int,
    level: float = 0.95,
) -> Interval:
    """Sensitivity at false positive rates, between points on the line as the area has it.

    The pointwise band of a plot, bootstrapped by patient.
    """
    wanted = np.asarray(false_positive_rate, dtype=np.float64).reshape(-1)
    order = np.argsort(wanted)
    everyone = np.ones((1, len(scores.score)), dtype=np.int64)
    estimate = np.full((1, len(wanted)), np.nan)
    _walk_sorted(scores, everyone, wanted[order], np.full(1, np.nan), estimate)
    _, drawn = _resampled(scores, wanted[order], rng, num)
    back = np.argsort(order)
    return percentile_interval(estimate[0, back], drawn[:, back], level)


def average_precision(lesion_confidence: Floats, false_positive_confidence: Floats) -> float:
    """Precision where lesions come in, averaged over all; missed ones (confidence 0) have none.

    As picai_eval has it (section 11.3); NaN without lesions, where that package says 0.
    """
    if len(lesion_confidence) == 0:
        return float("nan")
    confidence, hits = np.unique(lesion_confidence[lesion_confidence > 0], return_counts=True)
    found = np.cumsum(hits[::-1])[::-1]
    false = len(false_positive_confidence) - np.searchsorted(
        np.sort(false_positive_confidence), confidence
    )
    return float(np.sum(hits * found / (found + false)) / len(lesion_confidence))


def _ranks(scores: Floats) -> Floats:
    """From 1 on, equals share their mean rank."""
    return cast("Floats", stats.rankdata(scores))  # pyright: ignore[reportUnknownMemberType]


def _closes(falling: Floats) -> Bools:
    """The last of its score: equals come in together."""
    return np.append(falling[1:] != falling[:-1], np.True_)[: len(falling)]


def _resampled(
    scores: PatientScores, rates: Floats, rng: np.random.Generator, num: int
) -> tuple[Floats, Floats]:
    areas, sensitivity = np.full(num, np.nan), np.full((num, len(rates)), np.nan)
    done = 0
    for times in draw_patients(len(scores.score), rng, num):
        rows = slice(done, done + len(times))
        _walk_sorted(scores, times, rates, areas[rows], sensitivity[rows])
        done += len(times)
    return areas, sensitivity


def _walk_sorted(
    scores: PatientScores, times: Ints, rates: Floats, areas: Floats, sensitivity: Floats
) -> None:
    order = np.argsort(-scores.score, kind="stable")
    positive, times = scores.is_positive[order], times[:, order]
    totals = np.stack((times @ positive, times @ ~positive))
    events = positive, _closes(scores.score[order])
    _walk(times, events, totals, rates, (areas, sensitivity))


@compiled
def _walk(
    times: Ints,
    events: tuple[Bools, Bools],
    totals: Ints,
    rates: Floats,
    found: tuple[Floats, Floats],
) -> None:
    """Area and sensitivity of each resample, rates rising; NaN stays where a class is empty."""
    is_positive, closes = events
    areas, sensitivity = found
    for row in range(len(times)):
        positives, negatives = totals[0, row], totals[1, row]
        if positives == 0 or negatives == 0:
            continue
        hits = false = hits_before = false_before = met = twice_area = 0
        for i in range(len(closes)):
            hits += times[row, i] * is_positive[i]
            false += times[row, i] * (not is_positive[i])
            if not closes[i]:
                continue
            twice_area += (false - false_before) * (hits + hits_before)
            while met < len(rates) and rates[met] < false / negatives:
                along = (rates[met] * negatives - false_before) / (false - false_before)
                sensitivity[row, met] = (hits_before + along * (hits - hits_before)) / positives
                met += 1
            hits_before, false_before = hits, false
        areas[row] = twice_area / (2 * positives * negatives)
        sensitivity[row, met:] = 1.0
