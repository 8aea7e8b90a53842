"""Distances between the surfaces of two label maps, all structures at once.

Most surface voxels of two masks that agree coincide or nearly do: each looks for the other surface
among its nearest neighbours first, in the order of their distance, and only those that find nothing
there are looked up in a tree of the other surface. All distances are exact, between voxel centres.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree  # pyright: ignore[reportMissingTypeStubs]

from scalemai_core.measure.unions import mergers
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.histogram import NUM_IDS
from scalemai_core.volume.runs import Runs

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Spacing = tuple[float, float, float]

NEAR_MM = 4.0
"""How far a surface voxel looks around itself before it asks the tree."""

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
    offsets = _offsets(spacing_mm_zyx)
    used = np.union1d(a.labels, b.labels)
    for ids, names in mergers(used, unions):
        one, other = (_Surface.of(side if names is None else side.merged(names)) for side in (a, b))
        there = _distances(one, other, a.shape_zyx, offsets, spacing_mm_zyx)
        back = _distances(other, one, a.shape_zyx, offsets, spacing_mm_zyx)
        for structure in ids:
            mine, its = one.part(structure), other.part(structure)
            if mine.stop > mine.start and its.stop > its.start:
                _measure(table, structure, there[mine], back[its], tolerance_mm)
    return table


def _measure(
    table: SurfaceTable, structure: int, there: Floats, back: Floats, tolerance_mm: float
) -> None:
    both = np.concatenate([there, back])
    table.mean_mm[structure] = both.mean()
    table.hd95_mm[structure] = max(np.percentile(there, 95), np.percentile(back, 95))
    table.dice[structure] = np.count_nonzero(both <= tolerance_mm) / len(both)


@dataclass(frozen=True, slots=True, eq=False)
class _Surface:
    """Surface voxels of all structures of a label map, ordered by structure."""

    places: Places
    """Flat indices."""
    starts: Places
    """``(257,)``: where each label's voxels start."""

    @classmethod
    def of(cls, labels: Runs) -> _Surface:
        counts = np.zeros(NUM_IDS, dtype=np.int64)
        runs = labels.first, labels.starts, labels.stops, labels.labels, labels.shape_zyx
        _walk(*runs, counts, np.zeros(0, dtype=np.int64))
        starts = np.concatenate([[0], np.cumsum(counts)])
        places = np.zeros(starts[-1], dtype=np.int64)
        _walk(*runs, starts[:-1].copy(), places)
        return cls(places, starts)

    def part(self, structure: int) -> slice:
        """One structure's voxels."""
        return slice(int(self.starts[structure]), int(self.starts[structure + 1]))


def _distances(
    own: _Surface,
    other: _Surface,
    shape_zyx: tuple[int, ...],
    offsets: tuple[Places, Floats],
    spacing_mm_zyx: Spacing,
) -> Floats:
    """Distance in mm of every surface voxel to the same structure's other surface; NaN without."""
    depth, height, width = shape_zyx
    surface_zyx = np.zeros((depth, height, width), dtype=np.uint8)
    labels = np.repeat(np.arange(NUM_IDS), np.diff(other.starts)).astype(np.uint8)
    surface_zyx.reshape(-1)[other.places] = labels
    found = np.full(len(own.places), np.nan)
    own_labels = np.repeat(np.arange(NUM_IDS), np.diff(own.starts)).astype(np.uint8)
    _look_around(surface_zyx, own.places, own_labels, offsets[0], offsets[1], found)
    missing = np.flatnonzero(np.isnan(found))
    for structure in np.unique(own_labels[missing]).tolist():
        target = other.places[other.part(structure)]
        if len(target):
            rows = missing[own_labels[missing] == structure]
            tree = cast("Any", KDTree)(_points(target, shape_zyx, spacing_mm_zyx))
            found[rows] = tree.query(_points(own.places[rows], shape_zyx, spacing_mm_zyx))[0]
    return found


def _points(places: Places, shape_zyx: tuple[int, ...], spacing_mm_zyx: Spacing) -> Floats:
    index = np.stack(np.unravel_index(places, shape_zyx), axis=1)
    return index.astype(np.float64) * np.asarray(spacing_mm_zyx)


def _offsets(spacing_mm_zyx: Spacing) -> tuple[Places, Floats]:
    """Steps (n, 3) to the neighbours within reach, nearest first, and their distances in mm."""
    reach = [int(NEAR_MM / spacing) for spacing in spacing_mm_zyx]
    steps = np.array(list(product(*(range(-n, n + 1) for n in reach))), dtype=np.int64)
    length = np.linalg.norm(steps * np.asarray(spacing_mm_zyx), axis=1)
    order = np.argsort(length, kind="stable")[: np.count_nonzero(length <= NEAR_MM)]
    return steps[order], length[order]


@compiled
def _walk(
    first: Places,
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    labels: NDArray[np.uint8],
    shape_zyx: tuple[int, int, int],
    at: Places,
    places: Places,
) -> None:
    """Count surface voxels by label in ``at``, or write them where ``at`` says."""
    depth, height, width = shape_zyx
    write = len(places) > 0
    faces = np.zeros(width, dtype=np.uint8)
    for row in range(len(first) - 1):
        z, y = row // height, row % height
        for run in range(first[row], first[row + 1]):
            label, start, stop = labels[run], starts[run], stops[run]
            if label == 0:
                continue
            faces[start:stop] = 0
            if y > 0:
                _cover(first[row - 1], starts, stops, labels, run, faces)
            if y < height - 1:
                _cover(first[row + 1], starts, stops, labels, run, faces)
            if z > 0:
                _cover(first[row - height], starts, stops, labels, run, faces)
            if z < depth - 1:
                _cover(first[row + height], starts, stops, labels, run, faces)
            faces[start] = faces[stop - 1] = 0
            for x in range(start, stop):
                if faces[x] < _ROWS_AROUND:
                    if write:
                        places[at[label]] = row * width + x
                    at[label] += 1


@compiled
def _cover(
    met: int,
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    labels: NDArray[np.uint8],
    run: int,
    faces: NDArray[np.uint8],
) -> None:
    """Count, for the voxels of a run, those beside them in the row from ``met`` on that are alike."""
    start, stop, label = starts[run], stops[run], labels[run]
    while stops[met] <= start:
        met += 1
    while True:
        if labels[met] == label:
            for x in range(max(start, starts[met]), min(stop, stops[met])):
                faces[x] += 1
        if stops[met] >= stop:
            break
        met += 1


@compiled
def _look_around(
    surface_zyx: LabelsZYX,
    places: Places,
    labels: LabelsZYX,
    steps: Places,
    lengths: Floats,
    found: Floats,
) -> None:
    depth, height, width = surface_zyx.shape
    for i in range(len(places)):
        z = places[i] // (height * width)
        y = places[i] // width % height
        x = places[i] % width
        for k in range(len(steps)):
            at_z, at_y, at_x = z + steps[k, 0], y + steps[k, 1], x + steps[k, 2]
            inside = 0 <= at_z < depth and 0 <= at_y < height and 0 <= at_x < width
            if inside and surface_zyx[at_z, at_y, at_x] == labels[i]:
                found[i] = lengths[k]
                break
