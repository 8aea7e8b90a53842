"""Labels around some voxels, as far as a few millimetres."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from scalemai_core.volume.compiled import compiled

Places = NDArray[np.int64]
Labels = NDArray[np.uint8]
Spacing = tuple[float, float, float]


def nearest_label(
    labels_zyx: Labels,
    places: Places,
    wanted: NDArray[np.bool_],
    reach_mm: float,
    spacing_mm_zyx: Spacing,
) -> int:
    """The wanted label nearest to any of the voxels, 0 where there is none within reach.

    ``places`` are flat indices, ``wanted`` (256,) says which labels count; distances are between
    voxel centres. Of equally near ones that of the first voxel.
    """
    steps = _ball(reach_mm, spacing_mm_zyx)
    return int(_nearest(np.ascontiguousarray(labels_zyx), places, wanted, steps))


def count_near(
    labels_zyx: Labels,
    places: Places,
    wanted: NDArray[np.bool_],
    reach_mm: float,
    spacing_mm_zyx: Spacing,
) -> int:
    """How many of the voxels have a wanted label within reach; all as in ``nearest_label``."""
    steps = _ball(reach_mm, spacing_mm_zyx)
    return int(_count_near(np.ascontiguousarray(labels_zyx), places, wanted, steps))


@lru_cache(maxsize=64)
def _ball(reach_mm: float, spacing_mm_zyx: Spacing) -> Places:
    """Steps (n, 3) along z, y, x within reach, nearest first."""
    reach = [int(reach_mm / mm) for mm in spacing_mm_zyx]
    steps = np.array(list(product(*(range(-n, n + 1) for n in reach))), dtype=np.int64)
    squared = ((steps * np.array(spacing_mm_zyx)) ** 2).sum(axis=1)
    order = np.argsort(squared, kind="stable")
    return steps[order[: np.count_nonzero(squared <= reach_mm**2)]]


@compiled
def _nearest(labels_zyx: Labels, places: Places, wanted: NDArray[np.bool_], steps: Places) -> int:
    best, found = len(steps), 0
    for place in places:
        step, label = _first_met(labels_zyx, place, wanted, steps[:best])
        if label:
            best, found = step, label
    return found


@compiled
def _count_near(
    labels_zyx: Labels, places: Places, wanted: NDArray[np.bool_], steps: Places
) -> int:
    near = 0
    for place in places:
        near += _first_met(labels_zyx, place, wanted, steps)[1] > 0
    return near


@compiled
def _first_met(
    labels_zyx: Labels, place: int, wanted: NDArray[np.bool_], steps: Places
) -> tuple[int, int]:
    """The first step that leads to a wanted label, and that label; 0 where none does."""
    depth, height, width = labels_zyx.shape
    row = place // width
    x, y, z = place - row * width, row % height, row // height
    for k in range(len(steps)):
        near_z, near_y, near_x = z + steps[k, 0], y + steps[k, 1], x + steps[k, 2]
        if 0 <= near_z < depth and 0 <= near_y < height and 0 <= near_x < width:
            label = labels_zyx[near_z, near_y, near_x]
            if wanted[label]:
                return k, int(label)
    return len(steps), 0
