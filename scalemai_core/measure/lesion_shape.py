"""Size and place of one lesion, true or suspected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist  # pyright: ignore[reportMissingTypeStubs]

from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.taxonomy.taxonomy import NUM_IDS, Taxonomy

Places = NDArray[np.int64]
Floats = NDArray[np.float64]

FIRST_REACH_MM = 10.0


@dataclass(frozen=True, slots=True)
class LesionShape:
    """Numbers of a lesion's own voxels."""

    volume_mm3: float
    diameter_mm: float
    x_mm: float
    """Centroid, RAS."""
    y_mm: float
    z_mm: float


def lesion_shape(places: Places, grid: Grid) -> LesionShape:
    """Measure a lesion by the flat indices of its voxels, at least one.

    The diameter is the longest one in the axial slice with the most voxels, the lowest of equals
    (method reference, section 11.5). It is taken between the middles of voxels' outer edges: a row
    of ten voxels of 1 mm has 10 mm, a single voxel its own longer edge.
    """
    indices_zyx = np.stack(np.unravel_index(places, grid.shape_zyx), axis=1).astype(np.float64)
    matrix = grid.matrix
    x_mm, y_mm, z_mm = (matrix[:3, :3] @ indices_zyx.mean(axis=0)[::-1] + matrix[:3, 3]).tolist()
    return LesionShape(
        volume_mm3=len(places) * grid.voxel_ml * 1000.0,
        diameter_mm=_axial_diameter_mm(indices_zyx, matrix),
        x_mm=x_mm,
        y_mm=y_mm,
        z_mm=z_mm,
    )


def lesion_place(places: Places, anatomy_zyx: LabelsZYX, grid: Grid, taxonomy: Taxonomy) -> str:
    """The innermost structure with most of the lesion's voxels, of those that lie in any.

    Where no structure has most, the one with more than any other; of a lesion outside of all the
    nearest to its centroid. Of equals the lowest id; an empty name where the scan has none.
    ``anatomy_zyx`` holds the most specific structure at each voxel.
    """
    votes = np.bincount(anatomy_zyx.reshape(-1)[places], minlength=NUM_IDS)
    votes[0] = 0
    most = np.flatnonzero(2 * (taxonomy.unions @ votes) > votes.sum())
    if most.size:
        found = int(most[taxonomy.unions[most].sum(axis=1).argmin()])
    elif votes.any():
        found = int(votes.argmax())
    else:
        found = _nearest_id(places, anatomy_zyx, grid)
    return taxonomy.by_id(found).name if found else ""


def _axial_diameter_mm(indices_zyx: Floats, matrix: Floats) -> float:
    z = indices_zyx[:, 0].astype(np.int64)
    largest = int(np.bincount(z).argmax())
    y, x = indices_zyx[z == largest, 1:].T
    # Of each row only the two ends can be far from anything.
    rows, row = np.unique(y, return_inverse=True)
    left, right = np.full(len(rows), np.inf), np.full(len(rows), -np.inf)
    np.minimum.at(left, row, x)
    np.maximum.at(right, row, x)
    outline_x = np.concatenate([left - 0.5, right + 0.5, left, right, left, right])
    outline_y = np.concatenate([rows, rows, *[rows - 0.5] * 2, *[rows + 0.5] * 2])
    outline_mm = outline_x[:, None] * matrix[:3, 0] + outline_y[:, None] * matrix[:3, 1]
    return float(np.max(pdist(outline_mm)))


def _nearest_id(places: Places, anatomy_zyx: LabelsZYX, grid: Grid) -> int:
    """Look in a box around the centroid, then in one twice as large, up to the whole scan."""
    shape = np.array(grid.shape_zyx)
    spacing_mm = np.array(grid.spacing_mm_zyx)
    centre = np.stack(np.unravel_index(places, grid.shape_zyx), axis=1).mean(axis=0)
    reach_mm = FIRST_REACH_MM
    while True:
        low = np.clip(np.floor(centre - reach_mm / spacing_mm), 0, None).astype(np.int64)
        high = np.minimum(np.ceil(centre + reach_mm / spacing_mm) + 1, shape).astype(np.int64)
        box = tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
        near = np.argwhere(anatomy_zyx[box]) + low
        mm = np.sqrt((((near - centre) * spacing_mm) ** 2).sum(axis=1))
        whole = bool(np.all(low == 0) and np.all(high == shape))
        if len(near) and (whole or mm.min() <= reach_mm):
            ids = anatomy_zyx[tuple(near[mm <= mm.min() + 1e-9].T)]
            return int(ids.min())
        if whole:
            return 0
        reach_mm *= 2.0
