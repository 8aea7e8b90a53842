"""The whole body seen from the front, small: where in it an item lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.grid import Grid
from scalemai_core.records.item_view import ItemView
from scalemai_core.store.workspace import Workspace

PIXEL_MM = 1.5
"""About the edge of a pixel; a voxel that is larger is not divided."""

_LOW_HU, _HIGH_HU = -160.0, 240.0
"""Black and white: the soft tissue window."""


@dataclass(frozen=True, slots=True, eq=False)
class Locator:
    """One coronal plane; rows from head to feet, columns from the patient's right to the left."""

    gray_rc: NDArray[np.uint8]
    spacing_mm_rc: tuple[float, float]
    step_rc: tuple[int, int]
    """Voxels of the scan along a pixel's edges."""

    def header(self, view: ItemView, grid: Grid) -> dict[str, Any]:
        """Where an item lies in it, in pixels from the corner of the first one."""
        depth, _, width = grid.shape_zyx
        z0, _, x0, z1, _, x1 = view.box
        z, _, x = view.centre_zyx
        rows, columns = self.step_rc
        return {
            "spacing_mm_rc": self.spacing_mm_rc,
            "box_rc": [
                *((depth - z1) / rows, (width - x1) / columns),
                *((depth - z0) / rows, (width - x0) / columns),
            ],
            "centre_rc": [(depth - z - 0.5) / rows, (width - x - 0.5) / columns],
        }


def read_locator(store: Workspace, scan_id: str, y: int, grid: Grid) -> Locator:
    """The plane at ``y``; reads one row of chunks."""
    plane = store.scans.array(scan_id)[:, y : y + 1, :][::-1, 0, ::-1]
    dz, _, dx = grid.spacing_mm_zyx
    rows, columns = (max(1, round(PIXEL_MM / spacing)) for spacing in (dz, dx))
    small = _mean_of(_mean_of(plane.astype(np.float32), 0, rows), 1, columns)
    share = np.clip((small - _LOW_HU) / (_HIGH_HU - _LOW_HU), 0, 1)
    return Locator(
        np.round(255 * share).astype(np.uint8), (dz * rows, dx * columns), (rows, columns)
    )


def _mean_of(plane: NDArray[np.float32], axis: int, step: int) -> NDArray[np.float32]:
    """Every ``step`` lines become one; the last may stand for fewer."""
    starts = np.arange(0, plane.shape[axis], step)
    lines = np.diff(np.append(starts, plane.shape[axis]))
    total = np.add.reduceat(plane, starts, axis=axis)
    return (total / np.expand_dims(lines, 1 - axis)).astype(np.float32)
