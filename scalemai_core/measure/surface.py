"""Distances between the surfaces of two label maps, all structures at once.

Most surface voxels of two masks that agree coincide or nearly do: each looks for the other surface
among its nearest neighbours first, in the order of their distance, and only those that find nothing
there search the other surface slice by slice. All distances are exact, between voxel centres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.measure.around import Bits, draw, find_around, no_bits, rows_around
from scalemai_core.measure.nearest import nearest_mm
from scalemai_core.measure.unions import mergers
from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.histogram import NUM_IDS
from scalemai_core.volume.runs import Runs

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Spacing = tuple[float, float, float]

_ROWS_AROUND = 4
"""Rows along x that share faces with one row."""


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceTable:
    """A value per structure id, a parent as one mask with its parts; NaN where a mask is empty.

    Method reference, section 10.2; surfaces are voxels with a face to the outside.
    """

    mean_mm: Floats
    """Mean distance of all voxels of either surface to the other one."""
    hd95_mm: Floats
    """The larger of the two directed distances that 95 % of a surface's voxels stay within."""
    dice: Floats
    """Share of the voxels of both surfaces that lie within the tolerance of the other one."""


def compare_surfaces(
    a: Runs,
    b: Runs,
    spacing_mm_zyx: Spacing,
    unions: NDArray[np.bool_],
    *,
    tolerance_mm: float = 2.0,
) -> SurfaceTable:
    """Compare all structures of one layer; both maps on one grid."""
    table = SurfaceTable(*np.full((3, len(unions)), np.nan))
    within = tolerance_mm, table.hd95_mm, table.dice
    drawn = no_bits(a.shape_zyx)
    for ids, names in mergers(a.used | b.used, unions):
        one, other = (_Surface.of(side if names is None else side.merged(names)) for side in (a, b))
        there = _distances(one, other, spacing_mm_zyx, drawn)
        back = _distances(other, one, spacing_mm_zyx, drawn)
        _measure(np.array(ids, dtype=np.int64), (there, one.starts), (back, other.starts), within)
        for structure in ids:
            mine, its = there[one.part(structure)], back[other.part(structure)]
            if len(mine) and len(its):
                both = np.concatenate([mine, its])
                table.mean_mm[structure] = np.add.reduce(both) / len(both)
    return table


@compiled
def _measure(
    ids: Places,
    there: tuple[Floats, Places],
    back: tuple[Floats, Places],
    within: tuple[float, Floats, Floats],
) -> None:
    """Write each structure's percentile and share of voxels that lie within the tolerance."""
    (mine_mm, mine_starts), (its_mm, its_starts) = there, back
    tolerance_mm, hd95_mm, dice = within
    for structure in ids:
        mine = mine_mm[mine_starts[structure] : mine_starts[structure + 1]]
        its = its_mm[its_starts[structure] : its_starts[structure + 1]]
        if len(mine) > 0 and len(its) > 0:
            near = np.sum(mine <= tolerance_mm) + np.sum(its <= tolerance_mm)
            hd95_mm[structure] = max(_percentile95(mine), _percentile95(its))
            dice[structure] = near / (len(mine) + len(its))


@compiled
def _percentile95(values: Floats) -> float:
    """As numpy's, whose own call costs more than all else done to a small surface."""
    rank = 0.95 * (len(values) - 1)
    low = int(rank)
    high = min(low + 1, len(values) - 1)
    parted = np.partition(values, high)
    above = parted[high]
    below = parted[: low + 1].max() if low < high else above
    return below + (above - below) * (rank - low)


@dataclass(frozen=True, slots=True, eq=False)
class _Surface:
    """Surface voxels of all structures of a label map, ordered by structure."""

    shape_zyx: tuple[int, int, int]
    places: Places
    """Flat indices, rising within each structure."""
    starts: Places
    """``(257,)``: where each label's voxels start."""

    @classmethod
    def of(cls, labels: Runs) -> _Surface:
        # Room for every voxel; only what is written ever takes memory.
        places = np.empty(labels.lengths[labels.labels > 0].sum(), dtype=np.int64)
        own = np.empty(len(places), dtype=np.uint8)
        num = _walk(labels, places, own)
        starts = np.concatenate([[0], np.cumsum(np.bincount(own[:num], minlength=NUM_IDS))])
        ordered = np.empty(num, dtype=np.int64)
        _sort(places[:num], own[:num], starts.copy(), ordered)
        return cls(labels.shape_zyx, ordered, starts)

    def part(self, structure: int) -> slice:
        """One structure's voxels."""
        return slice(int(self.starts[structure]), int(self.starts[structure + 1]))


def _distances(own: _Surface, other: _Surface, spacing_mm_zyx: Spacing, drawn: Bits) -> Floats:
    """Distance in mm of every surface voxel to the same structure's other surface; NaN without.

    ``drawn`` has a bit for every voxel and holds none, before and after.
    """
    found = np.full(len(own.places), np.nan)
    around = rows_around(spacing_mm_zyx)
    mine, its = (own.places, own.starts), (other.places, other.starts)
    _find(mine, its, (own.shape_zyx, spacing_mm_zyx), (drawn, around), found)
    return found


@compiled
def _find(
    own: tuple[Places, Places],
    other: tuple[Places, Places],
    grid: tuple[tuple[int, int, int], Spacing],
    near: tuple[Bits, tuple[Places, Floats, float]],
    found: Floats,
) -> None:
    """Structure by structure: first what is near, then the others."""
    (places, starts), (others, other_starts) = own, other
    (shape_zyx, spacing), (drawn, around) = grid, near
    for structure in range(NUM_IDS):
        mine = places[starts[structure] : starts[structure + 1]]
        targets = others[other_starts[structure] : other_starts[structure + 1]]
        if len(mine) == 0 or len(targets) == 0:
            continue
        nearest = found[starts[structure] : starts[structure + 1]]
        draw(drawn, targets)
        find_around(drawn, mine, shape_zyx, spacing[2], around, nearest)
        draw(drawn, targets)
        missing = np.flatnonzero(np.isnan(nearest))
        if len(missing) > 0:
            nearest[missing] = nearest_mm(mine[missing], targets, shape_zyx, spacing)


@compiled
def _walk(labels: Runs, places: Places, own: NDArray[np.uint8]) -> int:
    """Write down surface voxels and their labels row by row; how many there are.

    A run goes stretch by stretch between changes in the four rows beside it: where all four are
    like it, only its own ends belong to the surface.
    """
    depth, height, width = labels.shape_zyx
    # Taken out of the tuple once: in the loops that would count references again and again.
    first, starts, stops, values = labels.first, labels.starts, labels.stops, labels.labels
    num = 0
    near = np.zeros(_ROWS_AROUND, dtype=np.int64)
    for row in range(len(first) - 1):
        within = 0 < row % height < height - 1 and 0 < row // height < depth - 1
        if within:
            near[0], near[1] = first[row - height], first[row - 1]
            near[2], near[3] = first[row + 1], first[row + height]
        for run in range(first[row], first[row + 1]):
            written, label = num, values[run]
            x = start = int(starts[run])
            stop = int(stops[run])
            while label > 0 and x < stop:
                low = end = stop
                if within:
                    end, alike = _beside(stops, values, near, x, label)
                    end = min(end, stop)
                    low = min(x + (x == start), end) if alike else end
                num = _write(places, num, row * width + x, row * width + low)
                high = max(end - (end == stop), low)
                num = _write(places, num, row * width + high, row * width + end)
                x = end
            own[written:num] = label
    return num


@compiled
def _beside(
    stops: NDArray[np.int32], values: NDArray[np.uint8], near: Places, x: int, label: int
) -> tuple[int, bool]:
    """Where the rows beside change next, and whether all of them are like this until then."""
    end, alike = 0, True
    for beside in range(_ROWS_AROUND):
        met = near[beside]
        while stops[met] <= x:
            met += 1
        near[beside] = met
        end = int(stops[met]) if beside == 0 else min(end, int(stops[met]))
        alike = alike and bool(values[met] == label)
    return end, alike


@compiled
def _write(places: Places, num: int, start: int, stop: int) -> int:
    for place in range(start, stop):
        places[num] = place
        num += 1
    return num


@compiled
def _sort(places: Places, own: NDArray[np.uint8], at: Places, ordered: Places) -> None:
    for i in range(len(places)):
        ordered[at[own[i]]] = places[i]
        at[own[i]] += 1
