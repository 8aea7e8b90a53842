"""Resampling between grids that cover the same box of the patient, edge to edge.

A resampled grid keeps the physical extent of the original exactly and rounds the number of voxels,
so its spacing is the requested one to within half a voxel over the whole axis, and the way back is
the same function. Voxel centres therefore line up as in ``align_corners=False``. Images are
interpolated by ``volume/interpolate``, which is compiled: what only names grids and labels does not
load the compiler.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

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


def resample_labels(
    labels_zyx: NDArray[Scalar], shape_zyx: tuple[int, int, int]
) -> NDArray[Scalar]:
    """The label at the nearest voxel centre of a grid of another shape over the same box.

    Indices are found in integers, so a centre midway between two voxels always takes the upper one.
    """
    if labels_zyx.shape == shape_zyx:
        return labels_zyx.copy()
    return resample_label_slices(labels_zyx, 0, len(labels_zyx), shape_zyx)[1]


def resample_label_slices(
    part_zyx: NDArray[Scalar], first: int, num_old: int, shape_zyx: tuple[int, int, int]
) -> tuple[slice, NDArray[Scalar]]:
    """The slices of ``resample_labels`` that some old slices decide, and where they belong.

    ``part_zyx`` begins with the old slice ``first`` of ``num_old``; ``shape_zyx`` is that of the
    whole result.
    """
    old_zyx = (num_old, *part_zyx.shape[1:])
    z, y, x = (
        (2 * np.arange(new) + 1) * old // (2 * new)
        for new, old in zip(shape_zyx, old_zyx, strict=True)
    )
    start, stop = np.searchsorted(z, [first, first + len(part_zyx)]).tolist()
    # Axis by axis: whole planes and rows are copied, and only x is picked voxel by voxel.
    return slice(start, stop), part_zyx[z[start:stop] - first][:, y][:, :, x]
