"""What each structure of a label map looks like: size, place, intensity, ends, pieces and holes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.measure.pieces import count_pieces, enclosed_voxels
from scalemai_core.measure.unions import united, wholes
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import ImageZYX
from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.histogram import NUM_IDS
from scalemai_core.volume.runs import Runs

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ShapeTable:
    """A row per structure id, a parent as one mask with its parts; NaN where nothing is there."""

    voxels: Counts
    volume_ml: Floats
    mean_hu: Floats
    sd_hu: Floats
    box_zyx: Counts
    """``(n, 3, 2)``: half-open bounding box, all 0 where empty."""
    touches: NDArray[np.bool_]
    """``(n, 3, 2)``: reaches the volume's first and last voxel along z, y, x."""
    centroid_ras_mm: Floats
    """``(n, 3)``."""
    num_pieces: Counts
    """Pieces of at least the volume that counts."""
    outside_largest_share: Floats
    """Share of the voxels outside the largest piece."""
    flat_end_share: Floats
    """``(n, 2)``: area of the lowest and the highest slice over the largest slice's area.

    0 where the volume itself ends there: a high number is a mask cut off inside the scan.
    """
    empty_slices: Counts
    """Slices without a voxel between the lowest and the highest one."""
    hole_share: Floats
    """Background voxels enclosed by the structure over its own voxels."""


def describe(
    layers: Sequence[Runs],
    image_zyx: ImageZYX,
    grid: Grid,
    unions: NDArray[np.bool_],
    *,
    min_component_ml: float = 0.2,
) -> ShapeTable:
    """Measure all structures of layers that share none."""
    sums = _sums(layers, image_zyx, unions)
    voxels = sums.area.sum(axis=1)
    n = np.where(voxels > 0, voxels, np.nan)
    mean_hu = sums.hu / n
    centroid_xyz = sums.xyz / n[:, None]
    box = _boxes(sums)
    least = min_component_ml / grid.voxel_ml
    pieces = [count_pieces(labels, unions, least) for labels in layers]
    enclosed = [enclosed_voxels(labels, unions) for labels in layers]
    return ShapeTable(
        voxels=voxels,
        volume_ml=voxels * grid.voxel_ml,
        mean_hu=mean_hu,
        sd_hu=np.sqrt(np.maximum(sums.hu_squared / n - mean_hu**2, 0.0)),
        box_zyx=box,
        touches=(voxels > 0)[:, None, None]
        & np.stack([box[:, :, 0] == 0, box[:, :, 1] == image_zyx.shape], axis=2),
        centroid_ras_mm=centroid_xyz @ grid.matrix[:3, :3].T + grid.matrix[:3, 3],
        num_pieces=np.add.reduce([own.counted for own in pieces]),
        outside_largest_share=np.add.reduce([own.outside_largest for own in pieces]) / n,
        flat_end_share=_flat_ends(sums.area, box[:, 0]),
        empty_slices=box[:, 0, 1] - box[:, 0, 0] - np.count_nonzero(sums.area, axis=1),
        hole_share=np.add.reduce(enclosed) / n,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """What one pass gathers, by structure id."""

    area: Counts
    """``(n, num_slices)``: voxels in each axial slice."""
    hu: Floats
    hu_squared: Floats
    xyz: Floats
    """``(n, 3)``: sums of voxel indices."""
    bounds_yx: Counts
    """``(4, n)``: least and greatest y, least and greatest x."""


def _sums(layers: Sequence[Runs], image_zyx: ImageZYX, unions: NDArray[np.bool_]) -> _Sums:
    num = len(unions)
    depth, height, width = image_zyx.shape
    area = np.zeros((NUM_IDS, depth), dtype=np.int64)
    totals = np.zeros((NUM_IDS, 4), dtype=np.int64)
    bounds = np.tile(np.array([height, -1, width, -1], dtype=np.int64), (NUM_IDS, 1))
    for labels in layers:
        _accumulate(labels, image_zyx, area, totals, bounds)
    areas = united(area[:num], unions)
    hu, hu_squared, x, y = united(totals[:num], unions).T
    z = areas.dot(np.arange(depth, dtype=np.float64))
    extremes = bounds[:num].copy()
    for whole in wholes(unions):
        own = bounds[:num][unions[whole]]
        least, greatest = own.min(axis=0), own.max(axis=0)
        extremes[whole] = least[0], greatest[1], least[2], greatest[3]
    return _Sums(
        area=areas.astype(np.int64),
        hu=hu,
        hu_squared=hu_squared,
        xyz=np.column_stack((x, y, z)),
        bounds_yx=extremes.T,
    )


def _boxes(sums: _Sums) -> Counts:
    occupied = sums.area.astype(np.bool_)
    present = sums.area.max(axis=1, keepdims=True) > 0
    first = occupied.argmax(axis=1)
    last = occupied.shape[1] - 1 - np.fliplr(occupied).argmax(axis=1)
    least_y, greatest_y, least_x, greatest_x = sums.bounds_yx
    box = np.stack([first, last + 1, least_y, greatest_y + 1, least_x, greatest_x + 1], axis=1)
    return np.where(present, box, 0).reshape(-1, 3, 2)


def _flat_ends(area: Counts, extent_z: Counts) -> Floats:
    rows = np.arange(len(area))
    first, last = extent_z[:, 0], extent_z[:, 1] - 1
    largest = np.where(extent_z[:, 1] > 0, area.max(axis=1), np.nan)
    inferior = np.where(first > 0, area[rows, first], 0)
    superior = np.where(last < area.shape[1] - 1, area[rows, last], 0)
    return np.stack([inferior, superior], axis=1) / largest[:, None]


@compiled
def _accumulate(
    labels: Runs, image_zyx: ImageZYX, area: Counts, totals: Counts, bounds: Counts
) -> None:
    height = image_zyx.shape[1]
    first, starts, stops, values = labels.first, labels.starts, labels.stops, labels.labels
    for row in range(len(first) - 1):
        z, y = row // height, row % height
        for run in range(first[row], first[row + 1]):
            label, start, stop = values[run], np.int64(starts[run]), np.int64(stops[run])
            if label == 0:
                continue
            hu = hu_squared = 0
            for x in range(start, stop):
                value = int(image_zyx[z, y, x])
                hu += value
                hu_squared += value * value
            area[label, z] += stop - start
            totals[label, 0] += hu
            totals[label, 1] += hu_squared
            totals[label, 2] += (stop - start) * (start + stop - 1) // 2
            totals[label, 3] += (stop - start) * y
            bounds[label, 0] = min(bounds[label, 0], y)
            bounds[label, 1] = max(bounds[label, 1], y)
            bounds[label, 2] = min(bounds[label, 2], start)
            bounds[label, 3] = max(bounds[label, 3], stop - 1)
