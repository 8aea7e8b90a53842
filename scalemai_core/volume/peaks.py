"""Dynamic extraction: the pieces of a probability volume, each cut at a share of its own peak.

Method reference, sections 9.5 and 11.2. Cost is linear in the voxels above the floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.log_odds import NUM_CODES, PROBABILITIES, CodesZYX, first_code

Places = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Triple = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """Pieces, the highest peak first; of equal ones the one whose peak is first in the array."""

    shape_zyx: Triple
    codes: Bytes
    """``(n,)``: of the peaks."""
    first: Places
    """``(n + 1,)``: where each piece's voxels start in ``places``."""
    places: Places
    """Flat indices of all voxels, piece by piece, rising within each."""

    def __len__(self) -> int:
        return len(self.codes)

    def piece(self, number: int) -> Places:
        """Flat indices of a piece's voxels, rising."""
        return self.places[self.first[number] : self.first[number + 1]]


def find_peaks(
    codes_zyx: CodesZYX,
    *,
    floor: float,
    share: float,
    min_voxels: float,
    among: Places | None = None,
) -> Peaks:
    """Take the highest voxel left and what hangs together with it, again and again.

    A piece is what is reached from its peak by 26 neighbours over voxels that are free and have at
    least ``share`` of the peak's probability and ``floor``. A piece that touches an earlier one is
    that one's slope, not another lesion: it is not returned, and what touches it in turn is slope
    as well. One of fewer than ``min_voxels`` that stands alone is noise: neither is it returned,
    nor does it keep others away. ``among`` are flat indices, rising: all other voxels count as 0.
    """
    depth, height, width = codes_zyx.shape
    shape_zyx = (depth, height, width)
    flat = np.ascontiguousarray(codes_zyx).reshape(-1)
    floor_code = first_code(floor)
    if among is None:
        places = np.flatnonzero(flat >= floor_code)
    else:
        places = among[flat[among] >= floor_code]
    active = flat[places]
    # A rim of zeros around the volume: no neighbour has to be checked for lying in it. Pages of
    # these two that are never touched cost nothing.
    free, walls = np.zeros((2, (depth + 2) * (height + 2) * (width + 2)), dtype=np.uint8)
    padded = _padded(places, shape_zyx)
    free[padded] = active
    falling = np.argsort(NUM_CODES - 1 - active, kind="stable")  # of bytes: a counting sort
    queue = np.zeros(len(places), dtype=np.int64)
    ends = np.zeros(len(places) + 1, dtype=np.int64)
    lowest = np.array([max(floor_code, first_code(share * p)) for p in PROBABILITIES])
    num = _take(
        padded[falling], free, walls, (_steps(shape_zyx), lowest, float(min_voxels)), queue, ends
    )
    return _gathered(flat, _unpadded(queue[: ends[num]], shape_zyx), ends[: num + 1], shape_zyx)


def _gathered(flat: Bytes, places: Places, first: Places, shape_zyx: Triple) -> Peaks:
    """A piece's peak is its first voxel, as it was found; then its voxels are sorted."""
    codes = flat[places[first[:-1]]]
    for start, end in pairwise(first):
        places[start:end].sort()
    return Peaks(shape_zyx, codes, first.copy(), places)


def _padded(places: Places, shape_zyx: Triple) -> Places:
    _, height, width = shape_zyx
    rows, x = np.divmod(places, width)
    z, y = np.divmod(rows, height)
    return ((z + 1) * (height + 2) + y + 1) * (width + 2) + x + 1


def _unpadded(places: Places, shape_zyx: Triple) -> Places:
    _, height, width = shape_zyx
    rows, x = np.divmod(places, width + 2)
    z, y = np.divmod(rows, height + 2)
    return ((z - 1) * height + y - 1) * width + x - 1


def _steps(shape_zyx: Triple) -> Places:
    """To the 26 neighbours in the padded volume."""
    _, height, width = shape_zyx
    z, y, x = np.meshgrid(*[np.arange(-1, 2)] * 3, indexing="ij")
    steps = (z * (height + 2) + y) * (width + 2) + x
    return steps[steps != 0].astype(np.int64)


@compiled
def _take(
    falling: Places,
    free: Bytes,
    walls: Bytes,
    how: tuple[Places, Places, float],
    queue: Places,
    ends: Places,
) -> int:
    """Fill ``queue`` with the pieces that count, ``ends`` with where each ends; how many."""
    steps, lowest, min_voxels = how
    num = 0
    for peak in falling:
        if free[peak] == 0:
            continue
        start = ends[num]
        end, slope = _flood(peak, int(lowest[free[peak]]), free, walls, steps, queue[start:])
        large = end >= min_voxels
        if slope or large:
            for i in range(start, start + end):
                walls[queue[i]] = 1
        if large and not slope:
            num += 1
            ends[num] = start + end
    return num


@compiled
def _flood(
    peak: int, low: int, free: Bytes, walls: Bytes, steps: Places, queue: Places
) -> tuple[int, bool]:
    """Take what hangs together with the peak; how much that is, and whether it is a slope."""
    at, end, slope = 0, 1, False
    queue[0] = peak
    free[peak] = 0
    while at < end:
        for step in steps:
            near = queue[at] + step
            if walls[near]:
                slope = True
            elif free[near] >= low:
                free[near] = 0
                queue[end] = near
                end += 1
        at += 1
    return end, slope
