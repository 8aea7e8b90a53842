"""Intervals: of a proportion, and of numbers whose patients, not scans, are independent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

Floats = NDArray[np.float64]

_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate between its bounds; arrays of one shape, or scalars as 0-d arrays."""

    estimate: Floats
    low: Floats
    high: Floats


def clopper_pearson(successes: ArrayLike, total: ArrayLike, *, level: float = 0.95) -> Interval:
    """Exact two-sided interval of a proportion, elementwise; nothing tried gives NaN in [0, 1].

    A one-sided bound of confidence c is the bound of ``level = 2 c - 1``. Method reference,
    section 11.4.
    """
    k = np.asarray(successes, dtype=np.float64)
    n = np.asarray(total, dtype=np.float64)
    if np.any(k < 0) or np.any(k > n):
        raise ValueError("successes lie between 0 and the total")
    tail = (1.0 - level) / 2.0
    none, every = k == 0, k == n
    low = special.betaincinv(np.where(none, 1.0, k), n - k + 1, tail)
    high = special.betaincinv(k + 1, np.where(every, 1.0, n - k), 1.0 - tail)
    estimate = np.divide(k, n, out=np.full(np.broadcast(k, n).shape, np.nan), where=n > 0)
    return Interval(estimate, np.where(none, 0.0, low), np.where(every, 1.0, high))


def bootstrap_by_patient(
    values: Floats,
    patients: Sequence[str],
    statistic: Callable[[Floats], float],
    rng: np.random.Generator,
    *,
    num: int,
    level: float = 0.95,
) -> Interval:
    """Percentile interval of ``statistic(values)``, resampling patients with all their scans.

    ``values`` holds a row per scan. Method reference, section 10.3.
    """
    if len(values) == 0:
        raise ValueError("nothing to resample: pass the values of at least one scan")
    codes, num_patients = _patient_codes(patients, len(values))
    by_patient = np.argsort(codes, kind="stable")
    rows = np.split(by_patient, np.cumsum(np.bincount(codes))[:-1])
    draws = rng.integers(num_patients, size=(num, num_patients))
    drawn = np.array([statistic(values[_rows_of(rows, draw)]) for draw in draws])
    return _percentiles(np.asarray(statistic(values), dtype=np.float64), drawn, level)


def paired_difference(
    new: Floats,
    old: Floats,
    patients: Sequence[str],
    rng: np.random.Generator,
    *,
    num: int,
    pools: Sequence[Sequence[int]] = (),
) -> Interval:
    """Mean of ``new - old`` per column (scans x structures), bootstrapped by patient, at 95 %.

    Pairs with a NaN on either side are left out; a column without pairs is NaN. All columns share
    their resamples. Each of ``pools`` is columns whose mean becomes one column more. Method
    reference, section 10.3.
    """
    codes, num_patients = _patient_codes(patients, len(new))
    difference = new - old
    known = np.isfinite(difference)
    scans_of = np.zeros((num_patients, len(new)))
    scans_of[codes, np.arange(len(new))] = 1.0
    sums, counts = scans_of @ np.where(known, difference, 0.0), scans_of @ known
    times_drawn = rng.multinomial(num_patients, np.full(num_patients, 1.0 / num_patients), num)
    weights = times_drawn.astype(np.float64)
    # A resample that draws no patient with this structure has no mean and does not count.
    drawn = _pooled(_ratio(weights @ sums, weights @ counts), pools)
    estimate = _pooled(_ratio(sums.sum(axis=0), counts.sum(axis=0))[None], pools)[0]
    return _percentiles(estimate, drawn, _LEVEL)


def _pooled(means: Floats, pools: Sequence[Sequence[int]]) -> Floats:
    """With the mean of each pool's known columns as a column more."""
    more = [means]
    for pool in pools:
        own = means[:, list(pool)]
        known = np.isfinite(own)
        sums = np.where(known, own, 0.0).sum(axis=1, keepdims=True)
        more.append(_ratio(sums, known.sum(axis=1, keepdims=True).astype(np.float64)))
    return np.concatenate(more, axis=1)


def _patient_codes(patients: Sequence[str], num_rows: int) -> tuple[NDArray[np.intp], int]:
    if len(patients) != num_rows:
        raise ValueError(f"{num_rows} rows of values need a patient each, not {len(patients)}")
    names, codes = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    return codes.astype(np.intp), len(names)


def _rows_of(
    rows: Sequence[NDArray[np.intp]], drawn_patients: NDArray[np.int64]
) -> NDArray[np.intp]:
    return np.concatenate([rows[int(patient)] for patient in drawn_patients])


def _ratio(sums: Floats, counts: Floats) -> Floats:
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def _percentiles(estimate: Floats, drawn: Floats, level: float) -> Interval:
    tail = (1.0 - level) / 2.0
    bounds = np.full((2, *drawn.shape[1:]), np.nan)
    known = np.isfinite(drawn).any(axis=0)
    bounds[:, known] = np.nanquantile(drawn[:, known], [tail, 1.0 - tail], axis=0)
    return Interval(estimate, bounds[0], bounds[1])
