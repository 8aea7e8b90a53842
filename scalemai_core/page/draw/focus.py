"""The point of a scan at which masks are best compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.volume.densest import densest

Mask = NDArray[np.bool_]
Spacing = tuple[float, float, float]


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
            z, y, x = densest(mask_zyx[box], spacing_mm)
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
