"""Resampling between grids that cover the same box of the patient, edge to edge.

A resampled grid keeps the physical extent of the original exactly and rounds the number of voxels,
so its spacing is the requested one to within half a voxel over the whole axis, and the way back is
the same function. Voxel centres therefore line up as in ``align_corners=False``.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage  # pyright: ignore[reportMissingTypeStubs] - scipy has none

from scalemai_core.records.grid import Grid

Scalar = TypeVar("Scalar", bound=np.generic)


def resampled_grid(grid: Grid, spacing_mm_zyx: tuple[float, float, float]) -> Grid:
    """The grid over the same box whose voxels come closest to the given edge lengths."""
    shape_zyx = tuple(
        max(1, round(size * edge / wanted))
        for size, edge, wanted in zip(
            grid.shape_zyx, grid.spacing_mm_zyx, spacing_mm_zyx, strict=True
        )
    )
    ratio_xyz = (np.array(grid.shape_zyx) / np.array(shape_zyx))[::-1]
    # Index i of the new grid has its centre at (i + 1/2) * ratio - 1/2 on the old one.
    to_old = np.diag([*ratio_xyz, 1.0])
    to_old[:3, 3] = (ratio_xyz - 1.0) / 2.0
    return Grid.of(shape_zyx, grid.matrix @ to_old)


def resample_image(image_zyx: NDArray[Any], shape_zyx: tuple[int, int, int]) -> NDArray[np.float32]:
    """Trilinear values at the voxel centres of a grid of another shape over the same box.

    Beyond the outermost centres the edge voxel is repeated. The only allocation is the result.
    """
    resampled = np.empty(shape_zyx, np.float32)
    if image_zyx.shape == shape_zyx:
        resampled[...] = image_zyx
        return resampled
    factors = [new / old for new, old in zip(shape_zyx, image_zyx.shape, strict=True)]
    ndimage.zoom(  # pyright: ignore[reportUnknownMemberType]
        image_zyx, factors, output=resampled, order=1, mode="nearest", grid_mode=True
    )  # pyright: ignore[reportCallIssue]
    return resampled


def resample_labels(
    labels_zyx: NDArray[Scalar], shape_zyx: tuple[int, int, int]
) -> NDArray[Scalar]:
    """The label at the nearest voxel centre of a grid of another shape over the same box.

    Indices are found in integers, so a centre midway between two voxels always takes the upper one.
    """
    z, y, x = (
        (2 * np.arange(new) + 1) * old // (2 * new)
        for new, old in zip(shape_zyx, labels_zyx.shape, strict=True)
    )
    return labels_zyx[z[:, None, None], y[:, None], x]


def onto_grid(array_zyx: NDArray[Any], grid: Grid) -> NDArray[Any]:
    """Bring an array on a resampled grid of ``grid`` back: integers nearest, floats linearly."""
    if np.issubdtype(array_zyx.dtype, np.floating):
        return resample_image(array_zyx, grid.shape_zyx)
    return resample_labels(array_zyx, grid.shape_zyx)
