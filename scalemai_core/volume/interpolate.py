"""An image's values between its voxels, on another grid over the same box of the patient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.volume.compiled import compiled

_Between = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]


def resample_image(image_zyx: NDArray[Any], shape_zyx: tuple[int, int, int]) -> NDArray[np.float32]:
    """Trilinear values at the voxel centres of a grid of another shape over the same box.

    Beyond the outermost centres the edge voxel is repeated. The result is a new array; beside it
    no more than a plane is allocated.
    """
    resampled = np.empty(shape_zyx, np.float32)
    if image_zyx.shape == shape_zyx:
        resampled[...] = image_zyx
        return resampled
    z, y, x = (_between(old, new) for new, old in zip(shape_zyx, image_zyx.shape, strict=True))
    _interpolate(image_zyx, z, y, x, resampled)
    return resampled


def needed_slices(num_old: int, num_new: int, start: int, stop: int) -> tuple[int, int]:
    """The old slices, from first to behind last, between which the new ones of a range lie."""
    low, high, _ = _slices(num_old, num_new, start, stop)
    return int(low[0]), int(high[-1]) + 1


def resample_slices(
    part_zyx: NDArray[Any],
    first: int,
    num_old: int,
    shape_zyx: tuple[int, int, int],
    chosen: tuple[int, int],
) -> NDArray[np.float32]:
    """The slices ``chosen`` (first, behind last) of ``resample_image``, from the old ones alone.

    ``part_zyx`` are the old slices that ``needed_slices`` names, ``first`` the first of them;
    ``num_old`` counts all of the image, ``shape_zyx`` is that of the whole result.
    """
    low, high, share = _slices(num_old, shape_zyx[0], *chosen)
    resampled = np.empty((len(low), *shape_zyx[1:]), np.float32)
    if (num_old, *part_zyx.shape[1:]) == shape_zyx:
        resampled[...] = part_zyx
        return resampled
    y, x = (_between(old, new) for new, old in zip(shape_zyx[1:], part_zyx.shape[1:], strict=True))
    _interpolate(part_zyx, (low - first, high - first, share), y, x, resampled)
    return resampled


def _slices(num_old: int, num_new: int, start: int, stop: int) -> _Between:
    low, high, share = _between(num_old, num_new)
    # A slice at the centre of an old one needs no second; of equal grids that is every slice.
    high = np.where(share > 0, high, low)
    return low[start:stop], high[start:stop], share[start:stop]


def _between(old: int, new: int) -> _Between:
    """Per new voxel the old ones below and above its centre, and the share of the upper one."""
    centre = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    low = np.floor(centre).astype(np.intp)
    return low, np.minimum(low + 1, old - 1), (centre - low).astype(np.float32)


@compiled
def _interpolate(
    image_zyx: NDArray[Any], z: _Between, y: _Between, x: _Between, resampled: NDArray[np.float32]
) -> None:
    """Axis by axis: a plane, then a row of it, stay in the processor's cache."""
    plane_yx = np.empty((image_zyx.shape[1], image_zyx.shape[2]), np.float32)
    row_x = np.empty(image_zyx.shape[2], np.float32)
    for new_z in range(resampled.shape[0]):
        for old_y in range(plane_yx.shape[0]):
            low_x, high_x = image_zyx[z[0][new_z], old_y], image_zyx[z[1][new_z], old_y]
            _blend(low_x, high_x, z[2][new_z], plane_yx[old_y])
        interpolate_plane(plane_yx, y, x, row_x, resampled[new_z])


@compiled
def interpolate_plane(
    plane_yx: NDArray[np.float32],
    y: _Between,
    x: _Between,
    row_x: NDArray[np.float32],
    resampled_yx: NDArray[np.float32],
) -> None:
    """A plane between its rows and its columns, into another; ``row_x`` is room for one old row."""
    for new_y in range(resampled_yx.shape[0]):
        _blend(plane_yx[y[0][new_y]], plane_yx[y[1][new_y]], y[2][new_y], row_x)
        for new_x in range(resampled_yx.shape[1]):
            low = row_x[x[0][new_x]]
            step = row_x[x[1][new_x]] - low
            resampled_yx[new_y, new_x] = low + step * x[2][new_x]


@compiled
def _blend(
    low_x: NDArray[Any], high_x: NDArray[Any], share: np.float32, blended_x: NDArray[np.float32]
) -> None:
    for at in range(blended_x.size):
        low = np.float32(low_x[at])
        blended_x[at] = low + (np.float32(high_x[at]) - low) * share
