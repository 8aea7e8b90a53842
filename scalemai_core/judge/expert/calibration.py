"""From scores to probabilities: two logistic curves, fitted on masks whose truth is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special  # pyright: ignore[reportMissingTypeStubs]
from scipy.optimize import (  # pyright: ignore[reportMissingTypeStubs]
    minimize,  # pyright: ignore[reportUnknownVariableType]
)

from scalemai_core.records.base import Record

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RIDGE = 1e-3
"""Keeps the curve finite where a score tells the two outcomes apart without an error."""


class Curve(Record):
    """P(outcome) = sigmoid(slope x + offset)."""

    slope: float
    offset: float

    def __call__(self, x: Floats) -> Floats:
        """Probabilities, one a value."""
        return np.asarray(special.expit(self.slope * x + self.offset), dtype=np.float64)


def fit_curve(x: Floats, outcome: Bools, *, symmetric: bool = False) -> Curve:
    """The curve of greatest likelihood (Platt's scaling); ``symmetric`` fixes P = 1/2 at 0.

    Targets are pulled off 0 and 1 by Laplace's rule, so that a handful of masks proves little.
    """
    hits = float(outcome.sum())
    target = np.where(outcome, (hits + 1) / (hits + 2), 1 / (len(x) - hits + 2))

    def loss(parameters: Floats) -> float:
        logit = parameters[0] * x + (0.0 if symmetric else parameters[1])
        error = np.logaddexp(0.0, logit) - target * logit
        return float(error.sum() + RIDGE * (parameters**2).sum())

    found = np.asarray(minimize(loss, np.array([10.0, 0.0]), method="BFGS").x, dtype=np.float64)  # pyright: ignore[reportUnknownMemberType]
    return Curve(slope=float(found[0]), offset=0.0 if symmetric else float(found[1]))


def calibration_error(probability: Floats, outcome: Bools, bins: int = 10) -> float:
    """Expected calibration error: mean distance of what was promised and what came, by bin."""
    if not len(probability):
        return float("nan")
    of_bin = np.clip((probability * bins).astype(int), 0, bins - 1)
    count = np.bincount(of_bin, minlength=bins)
    promised = np.bincount(of_bin, weights=probability, minlength=bins)
    came = np.bincount(of_bin, weights=outcome.astype(np.float64), minlength=bins)
    return float(np.abs(promised - came).sum() / max(count.sum(), 1))
