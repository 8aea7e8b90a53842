"""Where an editor's file lies: on a grid of ours, its axes in any order and direction, or not."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.errors import UsageError
from scalemai_core.records.grid import Grid

_TOLERANCE_MM = 1e-3
_TOLERANCE_VOXEL = 0.02
"""Share of the shortest voxel edge: float32 headers need a little, a shift is far more."""
_MAX_MM = 1e6
"""No scanner is a kilometre large; beyond it arithmetic would overflow."""

Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Placement:
    """How a file's array, axes x, y, z as its affine counts them, becomes one of ours."""

    order: tuple[int, int, int]
    """The file axis that runs along our x, y and z."""
    flipped: tuple[bool, bool, bool]
    """Which of our axes x, y and z the file counts backwards."""

    def apply(self, array_xyz: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The array with axes z, y, x: every voxel moved, none changed."""
        steps = tuple(slice(None, None, -1 if back else 1) for back in self.flipped)
        return np.ascontiguousarray(array_xyz.transpose(self.order)[steps].T)


def place(
    shape_xyz: Shape, affine: NDArray[np.float64], grids: Sequence[Grid]
) -> tuple[int, Placement]:
    """Which of the grids a file lies on, and how; raises UsageError that says what differs."""
    _check_finite(affine)
    for index, grid in enumerate(grids):
        placement = _nearest(affine, grid)
        if placement is not None and _difference(shape_xyz, affine, grid, placement) is None:
            return index, placement
    raise UsageError(_reason(shape_xyz, affine, grids))


def _check_finite(affine: NDArray[np.float64]) -> None:
    if not np.isfinite(affine).all() or np.abs(affine).max() > _MAX_MM:
        raise UsageError(
            "the mask's header does not place it in space: save it again with its geometry"
        )


def _nearest(affine: NDArray[np.float64], grid: Grid) -> Placement | None:
    """Our axes matched with the file's by direction; None where two file axes want the same."""
    ours = grid.matrix[:3, :3] / np.linalg.norm(grid.matrix[:3, :3], axis=0)
    lengths_mm = np.linalg.norm(affine[:3, :3], axis=0)
    if not (lengths_mm > 0).all():
        return None
    along = ours.T @ (affine[:3, :3] / lengths_mm)
    order = tuple(int(axis) for axis in np.abs(along).argmax(axis=1))
    if sorted(order) != [0, 1, 2]:
        return None
    x, y, z = order
    signs = tuple(bool(along[axis, file_axis] < 0) for axis, file_axis in enumerate(order))
    return Placement((x, y, z), (signs[0], signs[1], signs[2]))


def _reason(shape_xyz: Shape, affine: NDArray[np.float64], grids: Sequence[Grid]) -> str:
    """What differs from the grid that has the file's size, or from the first."""
    sizes = [sorted(grid.shape_zyx) for grid in grids]
    index = sizes.index(sorted(shape_xyz)) if sorted(shape_xyz) in sizes else 0
    grid = grids[index]
    placement = _nearest(affine, grid)
    if placement is None:
        return "the mask's axes point elsewhere than the item's: save it on the item's own grid"
    found = _difference(shape_xyz, affine, grid, placement) or "it lies elsewhere"
    return f"the mask is not on the item's grid: {found}; save it without resampling"


def _difference(
    shape_xyz: Shape, affine: NDArray[np.float64], grid: Grid, placement: Placement
) -> str | None:
    """What keeps a file from lying on the grid voxel by voxel; None where nothing does."""
    sizes = tuple(shape_xyz[axis] for axis in placement.order)
    if sizes != grid.shape_zyx[::-1]:
        return f"it has {_times(sizes)} voxels, not {_times(grid.shape_zyx[::-1])}"
    to_file = np.zeros((4, 4))
    to_file[3, 3] = 1.0
    for axis, (file_axis, back) in enumerate(zip(placement.order, placement.flipped, strict=True)):
        to_file[file_axis, axis] = -1.0 if back else 1.0
        to_file[file_axis, 3] = sizes[axis] - 1.0 if back else 0.0
    found = affine @ to_file
    limit_mm = max(_TOLERANCE_MM, _TOLERANCE_VOXEL * min(grid.spacing_mm_zyx))
    if _corners_apart_mm(found, grid) <= limit_mm:
        return None
    spacing_mm = np.linalg.norm(found[:3, :3], axis=0)
    ours_mm = np.array(grid.spacing_mm_zyx[::-1])
    if (np.abs(spacing_mm - ours_mm) * sizes).max() > limit_mm:
        return f"its voxels measure {_mm(spacing_mm)}, not {_mm(ours_mm)}"
    if (np.abs(found - grid.matrix)[:3, :3] * sizes).max() > limit_mm:
        return "its axes are turned against the item's"
    shift_mm = found[:3, 3] - grid.matrix[:3, 3]
    return f"it is shifted by {_mm(shift_mm)} (right, front, up)"


def _corners_apart_mm(found: NDArray[np.float64], grid: Grid) -> float:
    z, y, x = grid.shape_zyx
    corners = np.array([(*at, 1.0) for at in itertools.product(*((0, n - 1) for n in (x, y, z)))])
    apart_mm = (corners @ (found - grid.matrix).T)[:, :3]
    return float(np.linalg.norm(apart_mm, axis=1).max())


def _times(sizes: Sequence[int]) -> str:
    return " x ".join(str(size) for size in sizes)


def _mm(values_mm: NDArray[np.float64]) -> str:
    return " x ".join(f"{value:.3f}" for value in values_mm.round(3) + 0.0) + " mm"
