"""Smooth random flows that move the inside of a box onto itself: nothing folds, nothing leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]

_KNOTS_PER_LENGTH = 1.5
"""Knots of the lattice in the length of its shortest waves: finer ones change nothing."""
_STEEPEST = 0.9
"""Bound on a step's gradient; a step of less than 1 cannot fold."""
_REACH = 4.0
"""Standard deviations after which a Gaussian is over."""


@dataclass(frozen=True, slots=True)
class Wave:
    """Gaussian-smoothed random motion."""

    size_mm: float
    """Standard deviation of the motion along each axis."""
    length_mm: float
    """Standard deviation of the Gaussian; places twice as far apart move nearly on their own."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A velocity field, followed for one unit of time."""

    extent_mm: Floats
    """(3,) edges of the box."""
    knots_mm: Floats
    """(3, a, b, c) coefficients of cubic B-splines: the component along each axis. Knots divide the
    box evenly from face to face; one more lies beyond each face."""
    num_steps: int
    """So many that the gradient of one step stays below 1, hence its Jacobian above 0."""

    def carry(self, points_mm: Floats) -> Floats:
        """Where points (3, ...) of the box end, mm from its corner; a one-to-one map of the box.

        The component through a face is 0 on it, so that a face stays where it is.
        """
        intervals = np.array(self.knots_mm.shape[1:]) - 3
        scale = _upright(intervals / self.extent_mm, points_mm.ndim)
        end = _upright(self.extent_mm, points_mm.ndim)
        for _ in range(self.num_steps):
            places = points_mm * scale + 1.0
            motion = [
                ndimage.map_coordinates(knots, places, order=3, prefilter=False, mode="mirror")
                for knots in self.knots_mm
            ]
            points_mm = np.clip(points_mm + np.stack(motion) / self.num_steps, 0.0, end)
        return points_mm


def draw_flow(
    extent_mm: Floats, turn_rad: Floats, waves: Sequence[Wave], rng: np.random.Generator
) -> Flow:
    """Draw a flow of a box from a turn about each axis and from waves of several lengths.

    ``extent_mm`` (3,) are the box's edges, ``turn_rad`` (3,) the angles at its centre; a turn fades
    towards the faces.
    """
    shortest_mm = min(wave.length_mm for wave in waves)
    intervals = np.maximum(2, np.ceil(extent_mm * _KNOTS_PER_LENGTH / shortest_mm)).astype(int)
    spacing_mm = extent_mm / intervals
    knots_mm = _turn(extent_mm, intervals, turn_rad)
    for wave in waves:
        for axis in range(3):
            sigma = wave.length_mm / spacing_mm
            knots_mm[axis] += wave.size_mm * _smooth_noise(intervals, sigma, axis, rng)
    steps = int(np.ceil(_steepness(knots_mm, spacing_mm) / _STEEPEST))
    return Flow(extent_mm, knots_mm, max(1, steps))


def volume_change(points_mm: Floats, spacing_mm: Sequence[float]) -> Floats:
    """Jacobian determinant of a map sampled on a regular grid.

    ``points_mm`` (3, a, b, c) is where the grid's points are mapped to, ``spacing_mm`` their
    distances; the result is (a, b, c), above 1 where the map stretches.
    """
    slopes = np.stack([np.stack(np.gradient(part, *spacing_mm)) for part in points_mm])
    return np.linalg.det(np.moveaxis(slopes, (0, 1), (-2, -1)))


def _smooth_noise(
    intervals: NDArray[np.int_], sigma: Floats, normal: int, rng: np.random.Generator
) -> Floats:
    """Noise of unit variance inside the box, odd about the two faces across ``normal``."""
    noise = rng.standard_normal(tuple(intervals + 1))
    for face in (0, -1):
        np.moveaxis(noise, normal, 0)[face] = 0.0
    margin = np.ceil(_REACH * sigma).astype(int) + 1
    for axis, width in enumerate(margin):
        odd = "odd" if axis == normal else "even"
        padding = [(int(width), int(width)) if other == axis else (0, 0) for other in range(3)]
        noise = np.pad(noise, padding, mode="reflect", reflect_type=odd)
    smooth = np.asarray(ndimage.gaussian_filter(noise, sigma, truncate=_REACH, mode="constant"))
    # The sum of squares of a Gaussian's weights is what smoothing leaves of the variance.
    smooth *= np.sqrt(np.prod(2.0 * np.sqrt(np.pi) * sigma))
    return smooth[tuple(slice(width - 1, 1 - width) for width in margin)]


def _turn(extent: Floats, intervals: NDArray[np.int_], turn_rad: Floats) -> Floats:
    """Eddies: a rotation at the centre of the box, along the faces at the faces."""
    phases = [np.pi * np.arange(-1, n + 2) / n for n in intervals]
    grid = np.meshgrid(*phases, indexing="ij")
    knots_mm = np.zeros((3, *grid[0].shape))
    for (a, b), angle in zip(combinations(range(3), 2), turn_rad[::-1], strict=True):
        knots_mm[a] += angle * extent[a] / np.pi * np.sin(grid[a]) * np.cos(grid[b])
        knots_mm[b] -= angle * extent[b] / np.pi * np.cos(grid[a]) * np.sin(grid[b])
    return knots_mm


def _steepness(knots_mm: Floats, spacing_mm: Floats) -> float:
    """Bound on the gradient: a spline's slope is a mean of the slopes between its knots."""
    slopes = [
        [np.abs(np.diff(part, axis=axis)).max() / spacing_mm[axis] for axis in range(3)]
        for part in knots_mm
    ]
    return float(np.sum(slopes, axis=1).max())


def _upright(values: Floats, ndim: int) -> Floats:
    """(3,) made to go with (3, ...)."""
    return values.reshape(3, *(1 for _ in range(ndim - 1)))
