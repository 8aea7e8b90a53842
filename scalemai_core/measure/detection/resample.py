"""Resamples of patients, and intervals of numbers that may be infinite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from scalemai_core.measure.statistics import Interval

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_MAX_DRAWN = 1 << 22
"""Numbers held at a time, so that memory does not grow with the number of resamples."""


def patient_codes(patients: Sequence[str]) -> tuple[Ints, int]:
    """Each row's patient as a number from 0 on, and how many there are."""
    names, codes = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    return codes.astype(np.int64), len(names)


def draw_patients(num_patients: int, rng: np.random.Generator, num: int) -> Iterator[Ints]:
    """How often each patient is drawn in each of ``num`` resamples: ``(some, num_patients)``.

    Method reference, section 10.3: a patient comes with all scans. Raises ValueError where there
    is nobody to draw.
    """
    if num_patients == 0:
        raise ValueError("nobody to resample: pass at least one patient")
    shares = np.full(num_patients, 1.0 / num_patients)
    at_a_time = max(_MAX_DRAWN // num_patients, 1)
    for start in range(0, num, at_a_time):
        yield rng.multinomial(num_patients, shares, min(at_a_time, num - start))


def percentile_interval(estimate: Floats, drawn: Floats, level: float) -> Interval:
    """Percentiles of each column of ``drawn`` (resamples x numbers), NaN rows left out.

    The outer of two neighbouring values: between a finite and an infinite one, nothing lies.
    """
    known = np.count_nonzero(~np.isnan(drawn), axis=0)
    tail = (1.0 - level) / 2.0
    rising = np.sort(drawn, axis=0)  # NaN last
    last = np.maximum(known - 1, 0)
    ends = (np.floor(tail * last), np.ceil((1.0 - tail) * last))
    columns = np.arange(drawn.shape[1], dtype=np.intp)
    low, high = (rising[end.astype(np.intp), columns].reshape(estimate.shape) for end in ends)
    return Interval(estimate, low, high)
