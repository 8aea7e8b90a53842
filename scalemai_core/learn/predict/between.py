"""Logits between two grids over the same box, a few slices at a time.

Knows torch and NumPy only: bundles for MONAI carry it as it is.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

MAX_VALUES = 1 << 26
"""Logits held at the scan's own resolution at a time."""


def neighbours(
    num_native: int, num_slices: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Per native slice the two slices it lies between, and the weight of the upper one."""
    centre = (np.arange(num_native) + 0.5) * num_slices / num_native - 0.5
    centre = np.clip(centre, 0, num_slices - 1)
    lower = np.floor(centre).astype(np.int64)
    upper = np.ceil(centre).astype(np.int64)
    return lower, upper, (centre - lower).astype(np.float32)


def between(
    slices: Tensor, lower: NDArray[np.int64], upper: NDArray[np.int64], weight: NDArray[np.float32]
) -> Tensor:
    """(channels, z, y, x) -> (slices, channels, y, x) interpolated along z."""
    moved = slices.movedim(1, 0)
    if not weight.any():
        return moved[torch.from_numpy(lower).to(slices.device)]
    at = torch.from_numpy(weight).to(slices.device)[:, None, None, None]
    low = moved[torch.from_numpy(lower).to(slices.device)]
    return torch.lerp(low, moved[torch.from_numpy(upper).to(slices.device)], at)


def resize_slices(slices: Tensor, height: int, width: int) -> Tensor:
    """Bilinear in y and x, voxel edges of both grids aligned."""
    if slices.shape[2:] == (height, width):
        return slices
    return functional.interpolate(slices, (height, width), mode="bilinear", align_corners=False)


def num_at_once(num_channels: int, height: int, width: int) -> int:
    """Slices that are held at the scan's own resolution at a time."""
    return max(1, MAX_VALUES // (num_channels * height * width))
