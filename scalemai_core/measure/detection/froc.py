"""Sensitivity for lesions against false positives per scan; method reference, section 11.3."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from scalemai_core.measure.detection.resample import (
    draw_patients,
    patient_codes,
    percentile_interval,
)
from scalemai_core.measure.detection.table import Bools, DetectionTable, Floats, Ints
from scalemai_core.measure.statistics import Interval
from scalemai_core.volume.compiled import compiled


class Scans(StrEnum):
    """The scans in which false positives are counted; the two differ, so both are reported."""

    ALL = "all"
    NORMAL = "normal"
    """Those without any true lesion."""


@dataclass(frozen=True, slots=True, eq=False)
class FrocCurve:
    """A point for each confidence at which lesions or false positives come in, highest first.

    The last point lies at infinitely many false positives, at the sensitivity of all candidates.
    """

    threshold: Floats
    """``(n,)``, falling; what is at least as confident counts. The last is 0."""
    hits: Floats
    false_positives: Floats
    num_lesions: int
    num_scans: int
    """Scans in which false positives were counted."""

    @property
    def sensitivity(self) -> Floats:
        """``(n,)``: hits per lesion; NaN without lesions."""
        return _per(self.hits, self.num_lesions)

    @property
    def false_positives_per_scan(self) -> Floats:
        """``(n,)``: NaN without scans."""
        return _per(self.false_positives, self.num_scans)

    def sensitivity_at(self, false_positives_per_scan: ArrayLike) -> Floats:
        """The highest sensitivity at no more false positives per scan, 0 where there is none."""
        allowed = self._last_within(false_positives_per_scan)
        found = np.append(self.sensitivity, 0.0)[allowed]
        return found if self.num_lesions and self.num_scans else np.full_like(found, np.nan)

    def false_positives_at(self, sensitivity: ArrayLike) -> Floats:
        """The fewest false positives per scan at no less sensitivity, inf where out of reach."""
        wanted = np.asarray(sensitivity, dtype=np.float64)
        reached = np.searchsorted(self.sensitivity, wanted)
        found = np.append(self.false_positives_per_scan, np.inf)[reached] * (wanted > 0)
        return found if self.num_lesions and self.num_scans else np.full_like(found, np.nan)

    def threshold_at(self, false_positives_per_scan: ArrayLike) -> Floats:
        """The lowest confidence that keeps false positives per scan within, inf where none does.

        0 where any number of them is allowed.
        """
        return np.append(self.threshold, np.inf)[self._last_within(false_positives_per_scan)]

    def _last_within(self, false_positives_per_scan: ArrayLike) -> Ints:
        wanted = np.asarray(false_positives_per_scan, dtype=np.float64)
        return np.searchsorted(self.false_positives_per_scan, wanted, side="right") - 1


def froc_curve(table: DetectionTable, over: Scans = Scans.ALL) -> FrocCurve:
    """The curve of all lesions, false positives counted in all scans or in normal ones."""
    events = _Events.of(table, over)
    ends = np.flatnonzero(events.closes)
    hits, false_positives = (
        np.cumsum(side)[ends].astype(np.float64) for side in (events.is_hit, ~events.is_hit)
    )
    threshold = events.confidence[ends]
    if len(ends) == 0:  # nothing was found: from nothing to infinity
        threshold, hits, false_positives = np.array([np.inf]), np.zeros(1), np.zeros(1)
    return FrocCurve(
        threshold=np.append(threshold, 0.0),
        hits=np.append(hits, hits[-1]),
        false_positives=np.append(false_positives, np.inf),
        num_lesions=len(table.lesion_confidence),
        num_scans=int(_counted(table, over).sum()),
    )


def sensitivity_interval(
    table: DetectionTable,
    false_positives_per_scan: ArrayLike,
    rng: np.random.Generator,
    *,
    num: int,
    over: Scans = Scans.ALL,
    level: float = 0.95,
) -> Interval:
    """``FrocCurve.sensitivity_at``, bootstrapped by patient: of some numbers, or of many, rising
    or not, as the pointwise band of a plot.
    """
    wanted = np.asarray(false_positives_per_scan, dtype=np.float64)
    drawn, _ = _resampled(table, over, (wanted, np.zeros(0)), rng, num)
    return percentile_interval(froc_curve(table, over).sensitivity_at(wanted), drawn, level)


def false_positives_interval(
    table: DetectionTable,
    sensitivity: ArrayLike,
    rng: np.random.Generator,
    *,
    num: int,
    over: Scans = Scans.ALL,
    level: float = 0.95,
) -> Interval:
    """``FrocCurve.false_positives_at``, bootstrapped by patient; a bound may be infinite."""
    wanted = np.asarray(sensitivity, dtype=np.float64)
    _, drawn = _resampled(table, over, (np.zeros(0), wanted), rng, num)
    return percentile_interval(froc_curve(table, over).false_positives_at(wanted), drawn, level)


@dataclass(frozen=True, slots=True, eq=False)
class _Events:
    """Lesions found and false positives by falling confidence."""

    confidence: Floats
    is_hit: Bools
    scan: Ints
    closes: Bools
    """The last of its confidence: equals come in together."""

    @classmethod
    def of(cls, table: DetectionTable, over: Scans) -> _Events:
        hit = np.flatnonzero(table.lesion_confidence > 0)
        false = np.flatnonzero(_counted(table, over)[table.false_positive_scan])
        confidence = np.concatenate(
            (table.lesion_confidence[hit], table.false_positive_confidence[false])
        )
        order = np.argsort(-confidence, kind="stable")
        falling = confidence[order]
        scan = np.concatenate((table.lesion_scan[hit], table.false_positive_scan[false]))
        closes = np.append(falling[1:] != falling[:-1], np.True_)[: len(falling)]
        return cls(falling, order < len(hit), scan[order], closes)


def _counted(table: DetectionTable, over: Scans) -> Bools:
    return table.is_normal if over is Scans.NORMAL else np.ones_like(table.is_normal)


def _per(counts: Floats, total: int) -> Floats:
    return counts / total if total else np.full_like(counts, np.nan)


def _resampled(
    table: DetectionTable,
    over: Scans,
    wanted: tuple[Floats, Floats],
    rng: np.random.Generator,
    num: int,
) -> tuple[Floats, Floats]:
    """Sensitivity at false positives and the reverse, ``(num, how many are wanted)`` each."""
    codes, num_patients = patient_codes(table.patients)
    events = _Events.of(table, over)
    lesions = np.bincount(codes[table.lesion_scan], minlength=num_patients)
    scans = np.bincount(codes[_counted(table, over)], minlength=num_patients)
    orders = [np.argsort(side.reshape(-1)) for side in wanted]
    rising = wanted[0].reshape(-1)[orders[0]], wanted[1].reshape(-1)[orders[1]]
    drawn = np.full((num, len(rising[0])), np.nan), np.full((num, len(rising[1])), np.nan)
    done = 0
    for times in draw_patients(num_patients, rng, num):
        rows = slice(done, done + len(times))
        totals = np.stack((times @ lesions, times @ scans))
        found = drawn[0][rows], drawn[1][rows]
        _walk(times, (codes[events.scan], events.is_hit, events.closes), totals, rising, found)
        done += len(times)
    back = [np.argsort(order) for order in orders]
    return drawn[0][:, back[0]], drawn[1][:, back[1]]


@compiled
def _walk(
    times: Ints,
    events: tuple[Ints, Bools, Bools],
    totals: Ints,
    wanted: tuple[Floats, Floats],
    found: tuple[Floats, Floats],
) -> None:
    """Walk down the confidences of each resample once; rows without lesions or scans stay NaN."""
    patient, is_hit, closes = events
    for row in range(len(times)):
        lesions, scans = totals[0, row], totals[1, row]
        if lesions == 0 or scans == 0:
            continue
        hits = false = hits_before = met = 0
        reached = np.searchsorted(wanted[1], 0.0, side="right")  # no sensitivity costs nothing
        found[1][row, :reached] = 0.0
        for i in range(len(patient)):
            drawn = times[row, patient[i]]
            if is_hit[i]:
                hits += drawn
            else:
                false += drawn
            if not closes[i]:
                continue
            while met < len(wanted[0]) and false / scans > wanted[0][met]:
                found[0][row, met] = hits_before / lesions
                met += 1
            while reached < len(wanted[1]) and hits / lesions >= wanted[1][reached]:
                found[1][row, reached] = false / scans
                reached += 1
            hits_before = hits
        found[0][row, met:] = hits_before / lesions
        found[1][row, reached:] = np.inf
