"""Distance from many voxels to the nearest of many others close by, in a volume of one bit each.

Row by row, nearest rows first: all voxels around one in a row are told by one word.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from scalemai_core.volume.compiled import compiled

Bits = NDArray[np.uint64]
Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Triple = tuple[int, int, int]

NEAR_MM = 4.0
"""How far is looked."""

MAX_STEPS = 31
"""How many voxels along x are looked at on either side, at most: both fit into one word."""


def no_bits(shape_zyx: Triple) -> Bits:
    """A bit for every voxel, none drawn, and words around them that may be looked at too."""
    return np.zeros(int(np.prod(shape_zyx)) // 64 + 3, dtype=np.uint64)


@lru_cache(maxsize=64)
def rows_around(
    spacing_mm_zyx: tuple[float, float, float], wanted_mm: float = NEAR_MM
) -> tuple[Places, Floats, float]:
    """Steps (n, 2) along z and y to rows within reach, nearest first, their squared mm, and reach.

    What lies within reach along a row fits into one word.
    """
    step_z, step_y, step_x = spacing_mm_zyx
    near_mm = min(wanted_mm, MAX_STEPS * step_x)
    reach = int(near_mm / step_z), int(near_mm / step_y)
    steps = np.array(list(product(*(range(-n, n + 1) for n in reach))), dtype=np.int64)
    squared = (steps[:, 0] * step_z) ** 2 + (steps[:, 1] * step_y) ** 2
    order = np.argsort(squared, kind="stable")[: np.count_nonzero(squared <= near_mm**2)]
    return steps[order], squared[order], near_mm


@compiled
def draw(drawn: Bits, places: Places) -> None:
    """Draw voxels that are not there, clear those that are."""
    for place in places:
        drawn[(place >> 6) + 1] ^= np.uint64(1) << np.uint64(place & 63)


@compiled
def find_around(
    drawn: Bits,
    places: Places,
    shape_zyx: Triple,
    step_x: float,
    around: tuple[Places, Floats, float],
    found_mm: Floats,
) -> None:
    """The distance of each place to what is drawn; those that find nothing in reach stay as is."""
    depth, height, width = shape_zyx
    rows, rows_mm2, near_mm = around
    reach, row, every = int(near_mm / step_x), np.int64(-1), ~np.uint64(0)
    z = y = np.int64(0)
    for i in range(len(places)):
        if not row * width <= places[i] < (row + 1) * width:
            row = places[i] // width
            z, y = row // height, row % height
        x = places[i] - row * width
        # What the row before and the one after hold is no neighbour.
        first, last = max(reach - x, 0), min(width - 1 - x, reach) + reach
        valid = (every << np.uint64(first)) & (every >> np.uint64(63 - last))
        best = near_mm**2
        for k in range(len(rows)):
            if rows_mm2[k] > best:
                break
            if not (0 <= z + rows[k, 0] < depth and 0 <= y + rows[k, 1] < height):
                continue
            start = places[i] + (rows[k, 0] * height + rows[k, 1]) * width - reach
            window = _window(drawn, start) & valid
            if window:
                mm2 = rows_mm2[k] + (_steps_along(window, reach) * step_x) ** 2
                if mm2 <= best:
                    best, found_mm[i] = mm2, np.sqrt(mm2)


@compiled
def _window(drawn: Bits, start: int) -> np.uint64:
    """The bits of 64 voxels from one on, the first one lowest; up to 64 before the volume."""
    at, by = (start >> 6) + 1, np.uint64(start & 63)
    return (drawn[at] >> by) | ((drawn[at + 1] << np.uint64(1)) << (np.uint64(63) - by))


@compiled
def _steps_along(window: np.uint64, middle: int) -> int:
    """How far the bit nearest to the middle is from it; there is one."""
    steps = 0
    while not (
        (window >> np.uint64(middle - steps)) | (window >> np.uint64(middle + steps))
    ) & np.uint64(1):
        steps += 1
    return steps
