"""The point of a scan at which masks are best compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Spacing = tuple[float, float, float]

_FOCUS_MM = 15.0
_FOCUS_STEP_MM = 3.0
_TIED = 1e-3


def focus(
    masks: Sequence[Mask], spacing_mm: Spacing, shape: tuple[int, ...]
) -> tuple[int, int, int]:
    """Voxel with the most disagreement of the first two masks around it.

    Where they do not differ, the one with the most structure around it, else the scan's centre.
    All are (z, y, x).
    """
    candidates = [masks[0] ^ masks[1]] if len(masks) > 1 else []
    for mask_zyx in (*candidates, *masks):
        boxes = ndimage.find_objects(mask_zyx.view(np.uint8))
        if boxes and boxes[0] is not None:
            box = boxes[0]
            z, y, x = _densest(mask_zyx[box], spacing_mm)
            return (z + box[0].start, y + box[1].start, x + box[2].start)
    z, y, x = (size // 2 for size in shape)
    return (z, y, x)


def levels(masks: Sequence[Mask], number: int) -> list[int]:
    """Axial slices that stand for equal shares of the masks' volume, from head to feet."""
    area = np.sum([mask_zyx.sum(axis=(1, 2)) for mask_zyx in masks], axis=0)
    along = np.cumsum(area)
    if not along.size or along[-1] == 0:
        return []
    shares = (np.arange(number) + 0.5) / number * along[-1]
    return sorted({int(z) for z in np.searchsorted(along, shares)}, reverse=True)


def _densest(mask_zyx: Mask, spacing_mm: Spacing) -> tuple[int, int, int]:
    """Index of the set voxel with the most set voxels around it, at a coarse step for speed."""
    steps = [max(1, round(_FOCUS_STEP_MM / spacing)) for spacing in spacing_mm]
    coarse = mask_zyx[:: steps[0], :: steps[1], :: steps[2]]
    if not coarse.any():  # thinner than the step
        steps, coarse = [1, 1, 1], mask_zyx
    size = tuple(
        max(1, round(_FOCUS_MM / (spacing * step)))
        for spacing, step in zip(spacing_mm, steps, strict=True)
    )
    density = ndimage.uniform_filter(coarse.astype(np.float32), size, mode="constant")  # pyright: ignore[reportArgumentType] - one size per axis is allowed
    density = np.where(coarse, density, -1.0)
    best = np.argwhere(density >= density.max() - _TIED)
    # Inside of what is large all is equally dense: its middle shows most.
    away = ((best - best.mean(axis=0)) ** 2).sum(axis=1)
    chosen = best[np.argmin(away)]
    z, y, x = (int(index) * step for index, step in zip(chosen, steps, strict=True))
    return (z, y, x)
