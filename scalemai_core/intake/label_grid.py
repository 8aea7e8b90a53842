"""Whether a label file lies on the grid of its image."""

from __future__ import annotations

import itertools

import numpy as np

from scalemai_core.errors import RejectedInput
from scalemai_core.records.grid import Grid

_TOLERANCE_MM = 1e-3
_TOLERANCE_VOXEL = 0.05
"""Share of the shortest voxel edge; headers in float32 and rounded DICOM positions need it."""


def check_same_grid(found: Grid, image: Grid) -> None:
    """Raise RejectedInput unless both canonical grids have one shape and all corners coincide."""
    remedy = "Resample the labels onto the image, or offer the image they were drawn on."
    if found.shape_zyx != image.shape_zyx:
        raise RejectedInput(
            "label_grid_mismatch",
            f"labels have {_xyz(found)} voxels, the image has {_xyz(image)} (right, front, up)",
            remedy,
        )
    apart_mm = corner_distance_mm(found, image)
    limit_mm = max(_TOLERANCE_MM, _TOLERANCE_VOXEL * min(image.spacing_mm_zyx))
    if apart_mm > limit_mm:
        raise RejectedInput(
            "label_grid_mismatch",
            f"labels lie up to {apart_mm:.3f} mm off the image's voxels (limit {limit_mm:.3f} mm)",
            remedy,
        )


def corner_distance_mm(one: Grid, other: Grid) -> float:
    """Largest distance between the corner voxels of two grids of the same shape, mm."""
    z, y, x = one.shape_zyx
    corners = np.array(
        [(*corner, 1.0) for corner in itertools.product(*((0, n - 1) for n in (x, y, z)))]
    )
    apart_mm = (corners @ (one.matrix - other.matrix).T)[:, :3]
    return float(np.linalg.norm(apart_mm, axis=1).max())


def _xyz(grid: Grid) -> str:
    return "x".join(str(size) for size in reversed(grid.shape_zyx))
