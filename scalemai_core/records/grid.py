"""Where the voxels of an array lie in the patient."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.base import Record

Affine = tuple[
    tuple[float, float, float, float],
    tuple[float, float, float, float],
    tuple[float, float, float, float],
    tuple[float, float, float, float],
]


class Grid(Record):
    """Shape of a ``_zyx`` array and the affine that maps its (x, y, z) index to RAS mm."""

    shape_zyx: tuple[int, int, int]
    """Number of voxels along the array's axes."""

    affine: Affine
    """4x4, row by row: (x, y, z, 1) voxel index to (right, anterior, superior, 1) in mm."""

    @classmethod
    def of(cls, shape_zyx: tuple[int, ...], affine: NDArray[np.float64]) -> Grid:
        """Build from an array's shape and a 4x4 matrix."""
        z, y, x = (int(n) for n in shape_zyx)
        rows = np.asarray(affine, dtype=np.float64).tolist()
        return cls(shape_zyx=(z, y, x), affine=tuple(tuple(row) for row in rows))  # pyright: ignore[reportArgumentType] - pydantic checks the 4x4 shape

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The affine as a 4x4 array."""
        return np.array(self.affine, dtype=np.float64)

    @property
    def spacing_mm_zyx(self) -> tuple[float, float, float]:
        """Voxel edge lengths in array axis order, mm."""
        return _spacing_mm_zyx(self.affine)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in ml."""
        return _voxel_ml(self.affine)

    @property
    def num_voxels(self) -> int:
        """Voxels in the array."""
        z, y, x = self.shape_zyx
        return z * y * x


# Asked for dozens of times a scan. Kept here, not on the record, with which they would travel.
@lru_cache(maxsize=256)
def _spacing_mm_zyx(affine: Affine) -> tuple[float, float, float]:
    x, y, z = np.linalg.norm(np.array(affine)[:3, :3], axis=0).tolist()
    return (z, y, x)


@lru_cache(maxsize=256)
def _voxel_ml(affine: Affine) -> float:
    return float(abs(np.linalg.det(np.array(affine)[:3, :3]))) / 1000.0
