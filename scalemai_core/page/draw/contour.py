"""The outline of a mask in a plane, as lines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from contourpy import LineType, contour_generator
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""Shape (n, 2): column, row."""


def loops(mask: NDArray[np.bool_]) -> list[Points]:
    """Closed lines around a mask, in voxel index; the middle of the first voxel is (0, 0)."""
    padded = np.pad(mask, 1).astype(np.float64)  # what touches the border is closed there
    generator = contour_generator(z=padded, line_type=LineType.Separate)
    return [np.asarray(line, dtype=np.float64) - 1.0 for line in generator.lines(0.5)]


def dashes(points: Points, on: float, off: float) -> Iterator[Points]:
    """Pieces of length ``on``, ``off`` apart along the line, in the points' unit."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    for start in np.arange(0.0, along[-1], on + off):
        stop = min(start + on, along[-1])
        inside = (along > start) & (along < stop)
        at = np.concatenate([[start], along[inside], [stop]])
        yield np.stack([np.interp(at, along, points[:, axis]) for axis in (0, 1)], axis=1)
