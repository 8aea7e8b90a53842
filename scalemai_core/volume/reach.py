"""The nearest label around some voxels, as far as a few millimetres."""

from __future__ import annotations

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
    flat = np.ascontiguousarray(labels_zyx).reshape(-1)
    depth, height, width = labels_zyx.shape
    steps = _ball(reach_mm, spacing_mm_zyx)
    return int(_nearest(flat, (depth, height, width), places, wanted, steps))


def _ball(reach_mm: float, spacing_mm_zyx: Spacing) -> Places:
    """Steps (n, 3) along z, y, x within reach, nearest first."""
    reach = [int(reach_mm / mm) for mm in spacing_mm_zyx]
    steps = np.array(list(product(*(range(-n, n + 1) for n in reach))), dtype=np.int64)
    squared = ((steps * np.array(spacing_mm_zyx)) ** 2).sum(axis=1)
    order = np.argsort(squared, kind="stable")
    return steps[order[: np.count_nonzero(squared <= reach_mm**2)]]


@compiled
def _nearest(
    flat: Labels,
    shape_zyx: tuple[int, int, int],
    places: Places,
    wanted: NDArray[np.bool_],
    steps: Places,
) -> int:
    depth, height, width = shape_zyx
    best, found = len(steps), 0
    for place in places:
        row = place // width
        x, y, z = place - row * width, row % height, row // height
        for k in range(best):
            near_z, near_y, near_x = z + steps[k, 0], y + steps[k, 1], x + steps[k, 2]
            if not (0 <= near_z < depth and 0 <= near_y < height and 0 <= near_x < width):
                continue
            label = flat[(near_z * height + near_y) * width + near_x]
            if wanted[label]:
                best, found = k, int(label)
                break
    return found
