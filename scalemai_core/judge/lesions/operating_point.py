"""The threshold that finds the wanted share of lesions, with a guarantee for new patients.

Method reference, section 1.6; the guarantee is conformal risk control.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.operating_point import OperatingPoint
from scalemai_core.settings.lesions import LesionSettings

Floats = NDArray[np.float64]

ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredScan:
    """What was found in one scan of which the truth is known, at one site."""

    patient: str
    lesions: tuple[float, ...]
    """Log-odds with which each true lesion was found, minus infinity for a missed one."""
    false_positives: tuple[float, ...]
    """Log-odds of the candidates that are no lesion."""


@dataclass(frozen=True, slots=True, eq=False)
class _Risk:
    """Mean share of lesions that a patient loses, by threshold: a step up after every lesion."""

    log_odds: Floats
    """Of all lesions, rising."""
    lost: Floats
    """``(lesions + 1,)``: risk once so many of them are below the threshold."""
    patients: int

    def at(self, threshold: float) -> float:
        return float(self.lost[np.searchsorted(self.log_odds, threshold)])

    def bound(self, threshold: float) -> float:
        """Of the expected loss of the next patient, who may lose everything."""
        return (self.patients * self.at(threshold) + 1.0) / (self.patients + 1)


def choose_point(
    site: str, scans: Sequence[ScoredScan], settings: LesionSettings
) -> OperatingPoint:
    """The highest threshold whose bound on the lesions that a new patient loses is small enough.

    With n patients that have lesions and R(t) the mean share of them below t, the next patient
    loses at most (n R(t) + 1) / (n + 1) in expectation, if all are drawn alike and no model learned
    from them. Where no threshold is good enough, the highest one of those with the best guarantee;
    without lesions the floor. Patients without lesions say nothing about lesions.
    """
    risk = _risk(scans)
    allowed = 1.0 - settings.target_sensitivity
    found = np.unique(risk.log_odds[np.isfinite(risk.log_odds)])
    good = [float(t) for t in found if risk.bound(float(t)) <= allowed + ROUNDING]
    if good:
        threshold = good[-1]
    elif found.size:
        # All lesions that are found at all are: nothing lower guarantees more.
        threshold = float(found[0])
    else:
        threshold = math.log(settings.floor / (1.0 - settings.floor))
    false_positives = [_count_from(scan.false_positives, threshold) for scan in scans]
    normal = [n for scan, n in zip(scans, false_positives, strict=True) if not scan.lesions]
    num_lesions = len(risk.log_odds)
    num_found = _count_from(risk.log_odds.tolist(), threshold)
    return OperatingPoint(
        site=site,
        log_odds=threshold,
        probability=1.0 / (1.0 + math.exp(-threshold)),
        target_sensitivity=settings.target_sensitivity,
        guaranteed_sensitivity=max(0.0, 1.0 - risk.bound(threshold)),
        reached=bool(good),
        reason=_reason(risk, num_found, settings.target_sensitivity, reached=bool(good)),
        patients=risk.patients,
        lesions=num_lesions,
        sensitivity=num_found / num_lesions if num_lesions else None,
        scans=len(scans),
        false_positives_per_scan=_mean(false_positives),
        false_positives_per_normal_scan=_mean(normal),
    )


def least_patients(target_sensitivity: float) -> int:
    """Patients with lesions below whom not even finding every one proves the target."""
    return math.ceil(1.0 / (1.0 - target_sensitivity) - 1.0 - 1e-9)


def _risk(scans: Iterable[ScoredScan]) -> _Risk:
    by_patient: dict[str, list[float]] = defaultdict(list)
    for scan in scans:
        by_patient[scan.patient].extend(scan.lesions)
    lesions = [np.array(found) for found in by_patient.values() if found]
    num = len(lesions)
    if num == 0:
        return _Risk(np.zeros(0), np.ones(1), 0)
    log_odds = np.concatenate(lesions)
    share = np.concatenate([np.full(len(own), 1.0 / (len(own) * num)) for own in lesions])
    order = np.argsort(log_odds, kind="stable")
    return _Risk(log_odds[order], np.append(0.0, np.cumsum(share[order])), num)


def _reason(risk: _Risk, num_found: int, target: float, *, reached: bool) -> str:
    if risk.patients == 0:
        return "no patient here has a lesion: nothing is guaranteed, all candidates are looked at"
    seen = f"{num_found} of {len(risk.log_odds)} lesions in {risk.patients} patients"
    if reached:
        return f"the highest threshold that guarantees {target:.4g}: it finds {seen}"
    if risk.patients < (least := least_patients(target)):
        return (
            f"{target:.4g} cannot be proved on {risk.patients} patients with lesions, it takes"
            f" {least}: the best that can be guaranteed is taken, which finds {seen}"
        )
    return (
        f"{target:.4g} is out of reach, for the lowest threshold finds {seen}:"
        " the best that can be guaranteed is taken"
    )


def _count_from(log_odds: Iterable[float], threshold: float) -> int:
    return sum(value >= threshold for value in log_odds)


def _mean(counts: Sequence[int]) -> float | None:
    return sum(counts) / len(counts) if counts else None
