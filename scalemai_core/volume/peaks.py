"""Dynamic extraction: the pieces of a probability volume, each cut at a share of its own peak.

Method reference, sections 9.5 and 11.2. Peaks are told from slopes by their prominence, with a
union-find from the highest voxel down; cost is linear in the voxels above the floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.log_odds import (
    NUM_CODES,
    PROBABILITIES,
    CodesZYX,
    first_code,
    first_codes,
)
from scalemai_core.volume.roots import root_of

Places = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Ranks = NDArray[np.int32]
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
    """Every peak, and what hangs together with it.

    A piece is what is reached from its peak by 26 neighbours over voxels of at least ``share`` of
    the peak's probability and ``floor``. Where that holds a higher voxel, the peak is a bump on
    another's slope, and no piece; pieces therefore never touch. A peak of fewer than ``min_voxels``
    is noise: the next lower voxel takes its place. ``among`` are flat indices, rising: all other
    voxels count as 0.
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
    size = (depth + 2) * (height + 2) * (width + 2)
    rank, free = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.uint8)
    padded, steps = _padded(places, shape_zyx), _steps(shape_zyx)
    free[padded] = active
    falling = np.argsort(NUM_CODES - 1 - active, kind="stable")  # of bytes: a counting sort
    lowest = np.maximum(floor_code, first_codes(share * PROBABILITIES))
    tops = _tops(padded[falling], active[falling], rank, steps, lowest, float(min_voxels))
    peaks = padded[falling][np.sort(tops)]
    queue = np.zeros(len(places), dtype=np.int64)
    ends = _flood(peaks, free, steps, lowest, queue)
    codes = flat[_unpadded(peaks, shape_zyx)]
    return _gathered(codes, _unpadded(queue[: ends[-1]], shape_zyx), ends, shape_zyx)


def _gathered(codes: Bytes, places: Places, first: Places, shape_zyx: Triple) -> Peaks:
    for start, end in pairwise(first):
        places[start:end].sort()
    return Peaks(shape_zyx, codes, first, places)


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


@lru_cache(maxsize=64)
def _steps(shape_zyx: Triple) -> Places:
    """To the 26 neighbours in the padded volume."""
    _, height, width = shape_zyx
    z, y, x = np.meshgrid(*[np.arange(-1, 2)] * 3, indexing="ij")
    steps = (z * (height + 2) + y) * (width + 2) + x
    return steps[steps != 0].astype(np.int64)


@compiled
def _tops(  # noqa: C901 - one compiled loop
    falling: Places, codes: Bytes, rank: Ranks, steps: Places, lowest: Places, min_voxels: float
) -> Places:
    """Ranks of the peaks. ``falling`` are the voxels from the highest down, ``codes`` theirs.

    Water sinks over the volume: islands appear, grow and meet. An island is a peak if it is large
    enough, and still alone, when the water has sunk to its share of the peak.
    """
    num = len(falling)
    parent, top = np.arange(num), np.arange(num)
    size, found = np.zeros(num, np.int64), np.full(num, -1)
    for i in range(num):
        rank[falling[i]] = i + 1
        root = i
        for step in steps:
            if rank[falling[i] + step] > 0:
                other = root_of(parent, rank[falling[i] + step] - 1)
                if other != root:
                    if found[other] < 0 and codes[i] < lowest[codes[top[other]]]:
                        if size[other] >= min_voxels:
                            found[other] = top[other]
                        else:
                            top[other] = i
                    root = _joined(root, other, parent, top, size)
        size[root] += 1
    for i in range(num):
        if parent[i] == i and found[i] < 0 and size[i] >= min_voxels:
            found[i] = top[i]
    return found[found >= 0]


@compiled
def _joined(root: int, other: int, parent: Places, top: Places, size: Places) -> int:
    """Two islands are one: the higher one's, of equal ones the one that was there first."""
    if top[other] > top[root]:
        root, other = other, root
    parent[root] = other
    size[other] += size[root]
    return other


@compiled
def _flood(peaks: Places, free: Bytes, steps: Places, lowest: Places, queue: Places) -> Places:
    """Fill ``queue`` with the voxels of each peak's piece; where each starts, and the end."""
    ends = np.zeros(len(peaks) + 1, np.int64)
    end = 0
    for number in range(len(peaks)):
        peak = peaks[number]
        low = lowest[free[peak]]
        free[peak] = 0
        at = end
        queue[end] = peak
        end += 1
        while at < end:
            for step in steps:
                near = queue[at] + step
                if free[near] >= low:
                    free[near] = 0
                    queue[end] = near
                    end += 1
            at += 1
        ends[number + 1] = end
    return ends
