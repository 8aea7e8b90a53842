"""Surface Dice of two label maps at a tolerance, area by area, all structures at once.

A surface is a set of cells, cubes between the centres of 2 x 2 x 2 voxels, some of which belong to
the structure and some do not; ``cell`` knows the area of the surface within each. One walk over a
map finds the cells of all its structures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.measure.around import Bits, draw, find_around, no_bits, rows_around
from scalemai_core.measure.cell import CORNERS, cell_areas
from scalemai_core.measure.unions import mergers
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.histogram import NUM_IDS

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Spacing = tuple[float, float, float]
Triple = tuple[int, int, int]
Written = tuple[Places, NDArray[np.uint8], NDArray[np.uint8]]
"""Where cells lie, their labels and their codes."""

_SLACK_MM = 1e-6
"""What rounding may take from a distance of exactly the tolerance."""


def surface_dice(
    a_zyx: LabelsZYX,
    b_zyx: LabelsZYX,
    spacing_mm_zyx: Spacing,
    unions: NDArray[np.bool_],
    tolerance_mm: Floats,
) -> Floats:
    """Share of both surfaces' area that lies within the tolerance of the other, ``(n,)`` by id.

    ``tolerance_mm`` (n,) is one a structure. NaN where both masks are empty, 0 where one is.
    Parents are one mask with their parts. A mask ends where the volume does. Method reference,
    section 10.2.
    """
    if a_zyx.shape != b_zyx.shape:
        raise ValueError(
            f"label maps of shapes {a_zyx.shape} and {b_zyx.shape} have no common grid"
        )
    dice = np.full(len(unions), np.nan)
    pair = _cropped(a_zyx, b_zyx)
    used = np.zeros(NUM_IDS, dtype=np.bool_)
    for side in pair:
        used |= np.bincount(side.reshape(-1), minlength=NUM_IDS) > 0
    areas_mm2 = cell_areas(spacing_mm_zyx)
    cells = _Grid(pair[0].shape, spacing_mm_zyx)
    for ids, names in mergers(used, unions):
        one, other = (
            _Skin.of(side if names is None else names[side], ids, areas_mm2) for side in pair
        )
        for structure in ids:
            mine, its = one.part(structure), other.part(structure)
            near = cells.near(mine, its, float(tolerance_mm[structure]))
            dice[structure] = near / (mine[1].sum() + its[1].sum())
    return dice


def _cropped(a_zyx: LabelsZYX, b_zyx: LabelsZYX) -> tuple[LabelsZYX, LabelsZYX]:
    """Both maps where either holds something, with one empty voxel around."""
    held = (a_zyx != 0) | (b_zyx != 0)
    box: list[slice] = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        at = np.flatnonzero(held.any(axis=others))
        box.append(slice(int(at[0]), int(at[-1]) + 1) if len(at) else slice(0, 0))
    where = tuple(box)
    return np.pad(a_zyx[where], 1), np.pad(b_zyx[where], 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Skin:
    """Cells on the border of all wanted structures of a label map, ordered by structure."""

    places: Places
    """Flat indices of cells by their last corner, rising within each structure."""
    areas_mm2: Floats
    starts: Places
    """``(257,)``: where each label's cells start."""

    @classmethod
    def of(cls, labels_zyx: LabelsZYX, ids: list[int], areas_mm2: Floats) -> _Skin:
        """Look at every cell of a map that is empty along its own border."""
        wanted = np.zeros(NUM_IDS, dtype=np.bool_)
        wanted[ids] = True
        voxels = np.ascontiguousarray(labels_zyx)
        places, own, codes = _room(_walk(voxels, wanted, _room(0)))
        _walk(voxels, wanted, (places, own, codes))
        order = np.argsort(own, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(own, minlength=NUM_IDS))])
        return cls(places[order], areas_mm2[codes[order]], starts)

    def part(self, structure: int) -> tuple[Places, Floats]:
        """One structure's cells and their areas."""
        own = slice(int(self.starts[structure]), int(self.starts[structure + 1]))
        return self.places[own], self.areas_mm2[own]


class _Grid:
    """Where cells lie, and which of them have others near."""

    def __init__(self, shape_zyx: Triple, spacing_mm_zyx: Spacing) -> None:
        self._shape_zyx = shape_zyx
        self._spacing_mm_zyx = spacing_mm_zyx
        self._drawn: Bits = no_bits(shape_zyx)

    def near(
        self, mine: tuple[Places, Floats], its: tuple[Places, Floats], tolerance_mm: float
    ) -> float:
        """Area in mm2 of either side's cells that have one of the other's within reach."""
        around = rows_around(self._spacing_mm_zyx, tolerance_mm + _SLACK_MM)
        total = 0.0
        for (places, areas_mm2), (targets, _) in ((mine, its), (its, mine)):
            found_mm = np.full(len(places), np.nan)
            draw(self._drawn, targets)
            step_x = self._spacing_mm_zyx[2]
            find_around(self._drawn, places, self._shape_zyx, step_x, around, found_mm)
            draw(self._drawn, targets)
            total += float(areas_mm2[np.isfinite(found_mm)].sum())
        return total


def _room(num: int) -> Written:
    own, codes = np.empty((2, num), dtype=np.uint8)
    return np.empty(num, dtype=np.int64), own, codes


@compiled
def _walk(labels_zyx: LabelsZYX, wanted: NDArray[np.bool_], written: Written) -> int:
    """Write down the border cells of wanted labels while there is room; how many there are."""
    depth, height, width = labels_zyx.shape
    corner = np.zeros(len(CORNERS), dtype=np.uint8)
    num = 0
    for z in range(1, depth):
        for y in range(1, height):
            for x in range(1, width):
                alike = True
                for k in range(4):
                    row = labels_zyx[z - 1 + (k >> 1), y - 1 + (k & 1)]
                    corner[2 * k], corner[2 * k + 1] = row[x - 1], row[x]
                    alike = alike and corner[2 * k] == corner[0] == corner[2 * k + 1]
                if not alike:
                    num = _note(corner, (z * height + y) * width + x, wanted, num, written)
    return num


@compiled
def _note(
    corner: NDArray[np.uint8], place: int, wanted: NDArray[np.bool_], num: int, written: Written
) -> int:
    """Write down a cell once for every wanted label at its corners."""
    places, own, codes = written
    for k in range(len(corner)):
        label, code, first = corner[k], 0, True
        if not wanted[label] or label == 0:
            continue
        for other in range(len(corner)):
            first = first and (other >= k or corner[other] != label)
            code |= int(corner[other] == label) << other
        if first:
            if num < len(places):
                places[num], own[num], codes[num] = place, label, code
            num += 1
    return num
