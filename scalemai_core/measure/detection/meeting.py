"""Where true lesions and candidates of one scan meet; each voxel is read once, for any number.

All criteria of a hit follow from what is gathered here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from scalemai_core.volume.compiled import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_FIRST_PAIRS = 1024
_MIX_LESION = np.uint64(0x9E3779B97F4A7C15)
_MIX_CANDIDATE = np.uint64(0xC2B2AE3D27D4EB4F)
_HIGH_BITS = np.uint64(32)


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """The components of one array, a row each, by rising number."""

    numbers: Ints
    voxels: Ints
    first: Ints
    """Flat index of the first voxel: tells components apart whatever their numbers."""
    centre_zyx: Floats
    """``(n, 3)``: centroid in voxel indices."""


@dataclass(frozen=True, slots=True, eq=False)
class Meeting:
    """True lesions, candidates, and the voxels they share."""

    lesions: Components
    candidates: Components
    lesion: Ints
    """``(p,)``: row of the lesion of each pair that shares voxels."""
    candidate: Ints
    """``(p,)``: row of its candidate."""
    shared: Ints
    """``(p,)``: voxels of both."""
    lesion_at_centre: Ints
    """``(num_candidates,)``: row of the lesion at a candidate's centroid, -1 where none is."""
    spacing_zyx_mm: tuple[float, float, float]

    @classmethod
    def of_arrays(
        cls,
        lesions_zyx: NDArray[Any],
        candidates_zyx: NDArray[Any],
        spacing_zyx_mm: tuple[float, float, float],
    ) -> Self:
        """Gather from two arrays of whole numbers, each value above 0 one component.

        Raises ValueError where shapes differ or values are not whole numbers from 0 on. An array
        that is not contiguous is copied.
        """
        if lesions_zyx.shape != candidates_zyx.shape:
            shapes = f"{lesions_zyx.shape} and {candidates_zyx.shape}"
            raise ValueError(f"arrays of shapes {shapes} are not on one grid")
        keys, sums = _pairs(lesions_zyx, candidates_zyx)
        if keys.min(initial=0) < 0:
            raise ValueError("components are numbered from 1 on, background is 0")
        lesions, candidates = _components(keys[:, 0], sums), _components(keys[:, 1], sums)
        both = np.flatnonzero(keys.all(axis=1))
        nearest_zyx = np.floor(candidates.centre_zyx + 0.5).astype(np.intp)
        at_centre = lesions_zyx[tuple(nearest_zyx.T)].astype(np.int64)
        return cls(
            lesions=lesions,
            candidates=candidates,
            lesion=_rows(lesions, keys[both, 0]),
            candidate=_rows(candidates, keys[both, 1]),
            shared=sums[both, 0],
            lesion_at_centre=np.where(at_centre > 0, _rows(lesions, at_centre), -1),
            spacing_zyx_mm=spacing_zyx_mm,
        )


def _pairs(lesions_zyx: NDArray[Any], candidates_zyx: NDArray[Any]) -> tuple[Ints, Ints]:
    _, height, width = lesions_zyx.shape
    rows, occupied = list[NDArray[Any]](), np.False_
    for array in (lesions_zyx, candidates_zyx):
        if not np.issubdtype(array.dtype, np.integer):
            raise ValueError(f"components are whole numbers, not {array.dtype}")
        rows.append(np.ascontiguousarray(array).reshape(-1, width))
        # Byte by byte NumPy passes over background as fast as memory delivers it.
        occupied = occupied | rows[-1].view(np.uint8).any(axis=1)
    return _gather(rows[0], rows[1], np.flatnonzero(occupied), height)


def _rows(components: Components, numbers: Ints) -> Ints:
    return np.searchsorted(components.numbers, numbers).astype(np.int64)


def _components(numbers_by_pair: Ints, sums: Ints) -> Components:
    numbers, row = np.unique(numbers_by_pair, return_inverse=True)
    order = np.argsort(row, kind="stable")
    starts = np.searchsorted(row[order], np.arange(len(numbers)))
    skip = int(len(numbers) > 0 and numbers[0] == 0)
    if len(numbers) == skip:
        none = np.zeros(0, dtype=np.int64)
        return Components(none, none, none, np.zeros((0, 3)))
    totals = np.add.reduceat(sums[order, :4], starts)[skip:]
    first = np.minimum.reduceat(sums[order, 4], starts)[skip:]
    return Components(numbers[skip:], totals[:, 0], first, totals[:, 1:] / totals[:, :1])


@compiled
def _gather(
    lesions: NDArray[Any], candidates: NDArray[Any], occupied: NDArray[np.intp], height: int
) -> tuple[Ints, Ints]:
    """Every pair of numbers that occurs, (0, 0) apart, ``(p, 2)``; ``(p, 5)`` its voxels, the sums
    of their z, y and x, and the first of them. Run by run along x, pairs in a hash table.
    """
    slots = np.full(2 * _FIRST_PAIRS, -1)
    keys, sums = np.empty((_FIRST_PAIRS, 2), np.int64), np.empty((_FIRST_PAIRS, 5), np.int64)
    num, width = 0, lesions.shape[1]
    for row in occupied:
        z, y, x = row // height, row % height, 0
        while x < width:
            start, lesion, candidate = x, np.int64(lesions[row, x]), np.int64(candidates[row, x])
            x += 1
            while x < width and lesions[row, x] == lesion and candidates[row, x] == candidate:
                x += 1
            if lesion == 0 and candidate == 0:
                continue
            if num == len(keys):
                slots, keys, sums = _doubled(slots, keys, sums)
            slot = _slot(slots, keys, lesion, candidate)
            if slots[slot] < 0:
                slots[slot] = num
                keys[num, 0], keys[num, 1] = lesion, candidate
                sums[num, :4], sums[num, 4] = 0, row * width + start
                num += 1
            pair, voxels = slots[slot], x - start
            sums[pair, 0] += voxels
            sums[pair, 1] += voxels * z
            sums[pair, 2] += voxels * y
            sums[pair, 3] += voxels * (start + x - 1) // 2
    return keys[:num].copy(), sums[:num].copy()


@compiled
def _slot(slots: Ints, keys: Ints, lesion: np.int64, candidate: np.int64) -> np.int64:
    """The slot that holds the pair, or the empty one where it belongs."""
    mixed = np.uint64(lesion) * _MIX_LESION + np.uint64(candidate) * _MIX_CANDIDATE
    slot = np.int64(mixed >> _HIGH_BITS) & (len(slots) - 1)
    while slots[slot] >= 0 and (
        keys[slots[slot], 0] != lesion or keys[slots[slot], 1] != candidate
    ):
        slot = (slot + 1) & (len(slots) - 1)
    return slot


@compiled
def _doubled(slots: Ints, keys: Ints, sums: Ints) -> tuple[Ints, Ints, Ints]:
    num = len(keys)
    more_keys, more_sums = np.empty((2 * num, 2), np.int64), np.empty((2 * num, 5), np.int64)
    more_keys[:num], more_sums[:num] = keys, sums
    more_slots = np.full(2 * len(slots), -1)
    for i in range(num):
        more_slots[_slot(more_slots, more_keys, keys[i, 0], keys[i, 1])] = i
    return more_slots, more_keys, more_sums
