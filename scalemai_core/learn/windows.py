"""Sliding windows over a volume of any length, in memory that grows with the window only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
    as no later window touches them, so that no more than a window's depth is held.
    """
    size_z = image_zyx.shape[0]
    if all(n <= window for n, window in zip(image_zyx.shape, patch_zyx, strict=True)):
        yield predict(image_zyx[None, None])
        return
    window_zyx = tuple(min(n, size) for n, size in zip(patch_zyx, image_zyx.shape, strict=True))
    importance = compute_importance_map(window_zyx, mode="gaussian", device=image_zyx.device)
    importance = (importance / importance.max()).clamp_min(MIN_WEIGHT)
    starts_z = window_starts(size_z, window_zyx[0], overlap)
    total: Tensor | None = None
    for index, z in enumerate(starts_z):
        level = image_zyx[z : z + window_zyx[0]]
        weighted = _one_level(level, importance, overlap, predict)
        if total is not None:
            weighted[:, : total.shape[1]] += total
        end = starts_z[index + 1] if index + 1 < len(starts_z) else size_z
        done = weighted[:, : end - z]
        total = weighted[:, end - z :]
        yield done[:-1] / done[-1:]


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
