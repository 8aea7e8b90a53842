"""Distance from each of many voxels to the nearest of many others, exact and in little memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scalemai_core.volume.compiled import compiled

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Triple = tuple[int, int, int]

NUM_GUESSES = 64
"""Targets that everyone is compared with first: slices farther than the best of them are left."""


@compiled
def nearest_mm(
    places: Places, targets: Places, shape_zyx: Triple, spacing_mm_zyx: tuple[float, float, float]
) -> Floats:
    """Distance in mm of each place to its nearest target, between voxel centres.

    Both are flat indices into a volume, the targets rising and at least one. Slice by slice, the
    distance to the slice's targets is taken for a whole rectangle at once, the one that holds all
    places to which this slice may still be nearest.
    """
    at_zyx = _unravelled(places, shape_zyx)
    guesses_zyx = _unravelled(targets[:: max(len(targets) // NUM_GUESSES, 1)], shape_zyx)
    squared = np.full(len(places), np.inf)
    _guess(at_zyx, guesses_zyx, spacing_mm_zyx, squared)
    _search(at_zyx, targets, shape_zyx, spacing_mm_zyx, squared)
    return np.sqrt(squared)


@compiled
def _unravelled(places: Places, shape_zyx: Triple) -> Places:
    at_zyx = np.empty((len(places), 3), dtype=np.int64)
    for i in range(len(places)):
        row, at_zyx[i, 2] = divmod(places[i], shape_zyx[2])
        at_zyx[i, 0], at_zyx[i, 1] = divmod(row, shape_zyx[1])
    return at_zyx


@compiled
def _guess(
    at_zyx: Places, guesses_zyx: Places, spacing: tuple[float, float, float], squared: Floats
) -> None:
    for i in range(len(at_zyx)):
        for guess in guesses_zyx:
            dz = (at_zyx[i, 0] - guess[0]) * spacing[0]
            dy = (at_zyx[i, 1] - guess[1]) * spacing[1]
            dx = (at_zyx[i, 2] - guess[2]) * spacing[2]
            squared[i] = min(squared[i], dz * dz + dy * dy + dx * dx)


@compiled
def _search(
    at_zyx: Places,
    targets: Places,
    shape_zyx: Triple,
    spacing: tuple[float, float, float],
    squared: Floats,
) -> None:
    _, height, width = shape_zyx
    in_slice = np.empty((height, width))
    stop = 0
    while stop < len(targets):
        start = stop
        z = targets[start] // (height * width)
        while stop < len(targets) and targets[stop] < (z + 1) * height * width:
            stop += 1
        low_y, high_y, low_x, high_x, farthest = height, -1, width, -1, 0.0
        for i in range(len(at_zyx)):
            left = squared[i] - ((at_zyx[i, 0] - z) * spacing[0]) ** 2
            if left > 0:
                farthest = max(farthest, left)
                low_y, high_y = min(low_y, at_zyx[i, 1]), max(high_y, at_zyx[i, 1])
                low_x, high_x = min(low_x, at_zyx[i, 2]), max(high_x, at_zyx[i, 2])
        if high_y < 0:
            continue
        window = in_slice[low_y : high_y + 1, low_x : high_x + 1]
        window[...] = np.inf
        inside = targets[start:stop] - z * height * width
        _spread(inside, width, (low_y, low_x), (spacing[1], spacing[2], farthest), window)
        for i in range(len(at_zyx)):
            away = ((at_zyx[i, 0] - z) * spacing[0]) ** 2
            if away < squared[i]:
                squared[i] = min(squared[i], away + in_slice[at_zyx[i, 1], at_zyx[i, 2]])


@compiled
def _spread(
    targets: Places,
    width: int,
    corner_yx: tuple[int, int],
    spacing: tuple[float, float, float],
    window: Floats,
) -> None:
    """Squared distance in a window of a slice to its targets; row by row, along x, then to all."""
    step_y, step_x, farthest = spacing
    row_mm2 = np.empty(window.shape[1])
    stop = 0
    while stop < len(targets):
        start, y = stop, targets[stop] // width
        while stop < len(targets) and targets[stop] < (y + 1) * width:
            stop += 1
        reach = int(np.sqrt(farthest) / step_y) + 1
        first = max(y - reach - corner_yx[0], 0)
        last = min(y + reach - corner_yx[0], window.shape[0] - 1)
        if first > last:
            continue
        _along_row(targets[start:stop] - y * width, corner_yx[1], step_x, row_mm2)
        for row in range(first, last + 1):
            up = ((row + corner_yx[0] - y) * step_y) ** 2
            to = window[row]
            for x in range(len(row_mm2)):
                to[x] = min(to[x], up + row_mm2[x])


@compiled
def _along_row(targets_x: Places, low_x: int, step_x: float, row_mm2: Floats) -> None:
    """Squared distance to the nearest target in the row, from ``low_x`` on."""
    near = 0
    for x in range(len(row_mm2)):
        at = x + low_x
        while near + 1 < len(targets_x) and (
            abs(targets_x[near + 1] - at) <= abs(targets_x[near] - at)
        ):
            near += 1
        row_mm2[x] = ((targets_x[near] - at) * step_x) ** 2
