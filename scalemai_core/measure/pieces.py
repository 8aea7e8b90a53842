"""Pieces and cavities of all structures of a label map at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.measure.unions import merged_runs
from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.histogram import NUM_IDS
from scalemai_core.volume.runs import Runs

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """How each structure hangs together (26 neighbours), by structure id."""

    counted: Counts
    """Pieces of at least the size that counts."""
    outside_largest: Counts
    """Voxels outside the largest piece, crumbs included."""


def count_pieces(labels: Runs, unions: NDArray[np.bool_], min_voxels: float) -> Pieces:
    """Count the pieces of every structure; a parent and its parts are one mask."""
    pieces = Pieces(*np.zeros((2, len(unions)), dtype=np.int64))
    for ids, merged in merged_runs(labels, unions):
        counted, outside = _by_label(merged, min_voxels)
        pieces.counted[ids], pieces.outside_largest[ids] = counted[ids], outside[ids]
    return pieces


def enclosed_voxels(labels: Runs, unions: NDArray[np.bool_]) -> Counts:
    """Background voxels walled in (by faces) by each structure alone, by structure id."""
    num = len(unions)
    background = np.arange(NUM_IDS) == 0
    cavities = labels.pieces(background, reach=0)
    # Whatever reaches the volume's faces is the outside; what is left is few and small.
    outside = np.zeros(len(cavities), dtype=np.bool_)
    outside[cavities[_at_faces(labels)]] = True
    runs = np.flatnonzero(background[labels.labels] & ~outside[cavities])
    if not len(runs):
        return np.zeros(num, dtype=np.int64)
    roots, number = np.unique(cavities[runs], return_inverse=True)
    volume = np.bincount(number, labels.lengths[runs], len(roots)).astype(np.int64)
    walls = np.zeros((len(roots), NUM_IDS), dtype=np.bool_)
    walls[number, labels.labels[runs - 1]] = walls[number, labels.labels[runs + 1]] = True
    _find_walls(labels, runs, labels.rows[runs], number, walls)
    walls[:, 0] = False  # a cavity's own voxels
    foreign = walls[:, :num].astype(np.float32) @ (~unions).T.astype(np.float32) > 0
    foreign[:, 0] = True
    return volume @ ~foreign


def _at_faces(labels: Runs) -> NDArray[np.bool_]:
    """Runs that touch a face of the volume."""
    depth, height, width = labels.shape_zyx
    z, y = np.divmod(np.arange(depth * height), height)
    ends = (z == 0) | (z == depth - 1) | (y == 0) | (y == height - 1)
    return np.repeat(ends, np.diff(labels.first)) | (labels.starts == 0) | (labels.stops == width)


def _by_label(labels: Runs, min_voxels: float) -> tuple[Counts, Counts]:
    """By label: pieces that count, and voxels outside the largest piece."""
    roots = labels.pieces(np.arange(NUM_IDS) > 0, reach=1)
    counted, volume, largest = np.zeros((3, NUM_IDS), dtype=np.int64)
    _size_pieces(labels, roots, min_voxels, (counted, volume, largest))
    return counted, volume - largest


@compiled
def _size_pieces(
    labels: Runs, roots: Counts, min_voxels: float, sized: tuple[Counts, Counts, Counts]
) -> None:
    """By label: pieces that count, voxels, and those of the largest piece."""
    counted, volume, largest = sized
    sizes = np.zeros(len(roots), dtype=np.int64)
    for run in range(len(roots)):
        sizes[roots[run]] += labels.stops[run] - labels.starts[run]
    for run in range(len(roots)):
        label, size = labels.labels[run], sizes[run]
        if label > 0 and size > 0:
            counted[label] += size >= min_voxels
            volume[label] += size
            largest[label] = max(largest[label], size)


@compiled
def _find_walls(
    labels: Runs, runs: Counts, rows: Counts, number: Counts, walls: NDArray[np.bool_]
) -> None:
    height = labels.shape_zyx[1]
    for i in range(len(runs)):
        start, stop, row = labels.starts[runs[i]], labels.stops[runs[i]], rows[i]
        for other in (row - height, row - 1, row + 1, row + height):
            for met in range(labels.first[other], labels.first[other + 1]):
                if labels.starts[met] < stop and labels.stops[met] > start:
                    walls[number[i], labels.labels[met]] = True
