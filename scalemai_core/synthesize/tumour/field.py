"""Smooth random fields, made at any voxel size from few numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SPREAD = 1.0 / np.sqrt(3.0)
"""Standard deviation of the cubic B-spline, in knots."""
_GAIN = (315.0 / 151.0) ** 1.5
"""Brings the mean variance of splines with normal coefficients, in three axes, to 1."""


def smooth_field(
    shape_zyx: tuple[int, ...], sigma_voxels: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """About what white noise is after a Gaussian of ``sigma_voxels``, scaled to variance 1.

    A tensor product of cubic B-splines with normal coefficients, so that a wide sigma costs no
    more than a narrow one.
    """
    weights = [_splines(size, sigma_voxels / _SPREAD) for size in shape_zyx]
    field = rng.standard_normal([matrix.shape[1] for matrix in weights]).astype(np.float32)
    for matrix in weights:
        # Every turn puts the axis that it spreads last, so after three they are in order again.
        field = np.tensordot(field, matrix, axes=(0, 1))
    return np.ascontiguousarray(field) * np.float32(_GAIN ** (len(shape_zyx) / 3.0))


def _splines(size: int, knot_voxels: float) -> NDArray[np.float32]:
    """Weights (size, knots) of the four splines that reach each voxel."""
    knot_voxels = max(knot_voxels, 1.0)
    place = (np.arange(size) + 0.5) / knot_voxels
    first = np.floor(place).astype(np.intp)
    t = place - first
    pieces = (
        (1 - t) ** 3,
        3 * t**3 - 6 * t**2 + 4,
        -3 * t**3 + 3 * t**2 + 3 * t + 1,
        t**3,
    )
    weights = np.zeros((size, int(first[-1]) + 4), np.float32)
    for number, piece in enumerate(pieces):
        weights[np.arange(size), first + number] = piece / 6.0
    return weights
