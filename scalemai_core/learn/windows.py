"""Sliding windows over a volume of any length, in memory that grows with the window only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from monai.data.utils import compute_importance_map
from torch import Tensor
from torch.nn import functional

Probabilities = Callable[[Tensor], Tensor]
"""(1, 1, z, y, x) image -> (channels, z, y, x) probabilities."""

MIN_WEIGHT = 1e-3
"""Smallest weight of a window's corner, against 1 at its centre."""


def stream_windows(
    image_zyx: Tensor, patch_zyx: tuple[int, int, int], overlap: float, predict: Probabilities
) -> Iterator[Tensor]:
    """Yield (channels, slices, y, x) blended probabilities from the first slice to the last.

    Windows are weighted by a Gaussian (method reference, section 13.1). Slices are yielded as soon
    as no later window touches them, so that no more than a window's depth is held. A volume
    smaller than the window gets air around it, as in training.
    """
    padded, (z, y, x) = _centred(image_zyx, patch_zyx)
    if padded.shape == patch_zyx:
        yield predict(padded[None, None])[:, z, y, x]
        return
    importance = compute_importance_map(patch_zyx, mode="gaussian", device=image_zyx.device)
    importance = (importance / importance.max()).clamp_min(MIN_WEIGHT)
    starts_z = [*window_starts(padded.shape[0], patch_zyx[0], overlap), padded.shape[0]]
    total: Tensor | None = None
    for start, following in pairwise(starts_z):
        level = padded[start : start + patch_zyx[0]]
        weighted = _one_level(level, importance, overlap, predict)
        if total is not None:
            weighted[:, : total.shape[1]] += total
        done = weighted[:, : following - start]
        total = weighted[:, following - start :]
        # An axis with air around it has one window, so z is a part of this level or all of it.
        yield (done[:-1] / done[-1:])[:, z, y, x]


def _centred(
    image_zyx: Tensor, patch_zyx: tuple[int, int, int]
) -> tuple[Tensor, tuple[slice, slice, slice]]:
    """The image at least as large as a patch, and where in it the image lies."""
    inside: list[slice] = []
    pads: list[int] = []
    for size, window in zip(image_zyx.shape, patch_zyx, strict=True):
        missing = max(window - size, 0)
        before = missing // 2
        pads = [before, missing - before, *pads]
        inside.append(slice(before, before + size) if missing else slice(None))
    z, y, x = inside
    return functional.pad(image_zyx, pads), (z, y, x)


def _one_level(
    level_zyx: Tensor, importance: Tensor, overlap: float, predict: Probabilities
) -> Tensor:
    """(channels + 1, z, y, x): weighted sums over a level of windows, last the sum of weights."""
    depth, height, width = importance.shape
    size_y, size_x = level_zyx.shape[1:]
    sums: Tensor | None = None
    for y in window_starts(size_y, height, overlap):
        for x in window_starts(size_x, width, overlap):
            window = level_zyx[None, None, :, y : y + height, x : x + width]
            probabilities = predict(window)
            if sums is None:
                num = len(probabilities) + 1
                sums = probabilities.new_zeros((num, depth, size_y, size_x))
            part = sums[:, :, y : y + height, x : x + width]
            part[:-1] += probabilities * importance
            part[-1] += importance
    if sums is None:
        raise ValueError("a volume without voxels has no windows")
    return sums


def window_starts(size: int, window: int, overlap: float) -> list[int]:
    """First voxels of windows that cover an axis, the last one flush with its end."""
    if size <= window:
        return [0]
    step = max(1, int(window * (1 - overlap)))
    return [*range(0, size - window, step), size - window]


def resize_slices(slices: Tensor, height: int, width: int) -> Tensor:
    """Bilinear in y and x, voxel edges of both grids aligned."""
    if slices.shape[2:] == (height, width):
        return slices
    return functional.interpolate(slices, (height, width), mode="bilinear", align_corners=False)
