"""Pieces and cavities of all structures of a label map at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.measure.unions import disjoint
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.components import border_values, bounding_box, components
from scalemai_core.volume.histogram import NUM_IDS

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """How each structure hangs together (26 neighbours), by structure id."""

    counted: Counts
    """Pieces of at least the size that counts."""
    outside_largest: Counts
    """Voxels outside the largest piece, crumbs included."""


def count_pieces(labels_zyx: LabelsZYX, unions: NDArray[np.bool_], min_voxels: float) -> Pieces:
    """Count the pieces of every structure; a parent and its parts are one mask."""
    pieces = Pieces(*np.zeros((2, len(unions)), dtype=np.int64))
    if (box := bounding_box(labels_zyx)) is None:
        return pieces
    inside_zyx = labels_zyx[box]
    counted, outside, volume = _by_label(inside_zyx, min_voxels)
    present = unions & (volume[: len(unions)] > 0)
    for structure in np.flatnonzero(present.sum(axis=1) == 1):
        only = np.flatnonzero(present[structure])[0]
        pieces.counted[structure], pieces.outside_largest[structure] = counted[only], outside[only]
    parents = np.flatnonzero(present.sum(axis=1) > 1).tolist()
    for group in disjoint(parents, unions):
        merge = np.zeros(NUM_IDS, dtype=np.uint8)
        for parent in group:
            merge[: len(unions)][unions[parent]] = parent
        merged_zyx = merge[inside_zyx]
        counted, outside, _ = _by_label(merged_zyx, min_voxels)
        pieces.counted[group], pieces.outside_largest[group] = counted[group], outside[group]
    return pieces


def enclosed_voxels(labels_zyx: LabelsZYX, unions: NDArray[np.bool_]) -> Counts:
    """Background voxels walled in (by faces) by each structure alone, by structure id."""
    num = len(unions)
    if (box := bounding_box(labels_zyx)) is None:
        return np.zeros(num, dtype=np.int64)
    inside_zyx = labels_zyx[box]
    cavities_zyx, count = components(inside_zyx == 0, connectivity=6)
    # Whatever reaches the box's faces is the outside; what is left is few and small.
    enclosed = np.ones(count + 1, dtype=np.bool_)
    enclosed[border_values(cavities_zyx)] = False
    enclosed[0] = False
    number = np.where(enclosed, np.cumsum(enclosed), 0)
    volume = np.zeros(int(enclosed.sum()) + 1, dtype=np.int64)
    walls = np.zeros((len(volume), NUM_IDS), dtype=np.bool_)
    _find_walls(cavities_zyx, inside_zyx, number, volume, walls)
    walls[:, 0] = False  # a cavity's own voxels
    foreign = walls[:, :num].astype(np.float32) @ (~unions).T.astype(np.float32) > 0
    foreign[:, 0] = True
    return volume @ ~foreign


def _by_label(labels_zyx: LabelsZYX, min_voxels: float) -> tuple[Counts, Counts, Counts]:
    """By label: pieces that count, voxels outside the largest piece, and all voxels."""
    numbered_zyx, count = components(labels_zyx)
    sizes, labels = np.zeros(count + 1, dtype=np.int64), np.zeros(count + 1, dtype=np.uint8)
    _size_pieces(numbered_zyx, labels_zyx, sizes, labels)
    sizes[0] = 0
    largest, volume = np.zeros((2, NUM_IDS), dtype=np.int64)
    np.maximum.at(largest, labels, sizes)
    np.add.at(volume, labels, sizes)
    counted = np.bincount(labels[1:][sizes[1:] >= min_voxels], minlength=NUM_IDS)
    return counted, volume - largest, volume


@compiled
def _size_pieces(
    numbered_zyx: NDArray[np.uint32],
    labels_zyx: LabelsZYX,
    sizes: Counts,
    labels: NDArray[np.uint8],
) -> None:
    depth, height, width = labels_zyx.shape
    for z in range(depth):
        for y in range(height):
            numbered, row = numbered_zyx[z, y], labels_zyx[z, y]
            start = 0
            for x in range(1, width + 1):
                if x == width or numbered[x] != numbered[start]:
                    sizes[numbered[start]] += x - start
                    labels[numbered[start]] = row[start]
                    start = x


@compiled
def _find_walls(
    cavities_zyx: NDArray[np.uint32],
    labels_zyx: LabelsZYX,
    number: NDArray[np.int64],
    volume: Counts,
    walls: NDArray[np.bool_],
) -> None:
    depth, height, width = labels_zyx.shape
    for z in range(1, depth - 1):
        for y in range(1, height - 1):
            for x in range(1, width - 1):
                cavity = number[cavities_zyx[z, y, x]]
                if cavity > 0:
                    volume[cavity] += 1
                    walls[cavity, labels_zyx[z - 1, y, x]] = True
                    walls[cavity, labels_zyx[z + 1, y, x]] = True
                    walls[cavity, labels_zyx[z, y - 1, x]] = True
                    walls[cavity, labels_zyx[z, y + 1, x]] = True
                    walls[cavity, labels_zyx[z, y, x - 1]] = True
                    walls[cavity, labels_zyx[z, y, x + 1]] = True
