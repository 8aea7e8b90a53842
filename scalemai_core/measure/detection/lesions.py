"""A lesion mask taken apart: every connected lesion with its size, its centre and its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage  # pyright: ignore[reportMissingTypeStubs]

from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.records.lesion import Lesion
from scalemai_core.taxonomy.taxonomy import NUM_IDS, Taxonomy
from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.components import BoxZYX, bounding_box, components
from scalemai_core.volume.histogram import NUM_IDS as NUM_VALUES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Triple = tuple[int, int, int]

_FIRST_REACH_MM = 10.0


def find_lesions(
    labels_zyx: LabelsZYX,
    anatomy_zyx: LabelsZYX,
    grid: Grid,
    taxonomy: Taxonomy,
    structures: Sequence[str] | None = None,
) -> tuple[NDArray[np.uint32], tuple[Lesion, ...]]:
    """Number the lesions of a label map, touching ones of different structures being one.

    Of all structures, or of some and their parts (a site's). ``anatomy_zyx`` is the label map
    that places are named from. Returns the components (the lesions' numbers, 0 elsewhere) and the
    lesions by number. Work stays inside boxes around lesions. Raises ValueError where shapes
    differ, UsageError on an unknown structure.
    """
    if not labels_zyx.shape == anatomy_zyx.shape == grid.shape_zyx:
        shapes = f"{labels_zyx.shape}, {anatomy_zyx.shape} and {grid.shape_zyx}"
        raise ValueError(f"lesions, anatomy and grid have shapes {shapes}")
    pieces_zyx = np.zeros(labels_zyx.shape, dtype=np.uint32)
    wanted = _wanted(taxonomy, structures)
    within = bounding_box(labels_zyx)
    if within is None:
        return pieces_zyx, ()
    numbered, _ = components(wanted[labels_zyx[within]])
    pieces_zyx[within] = numbered
    lesions = tuple(
        _lesion(
            number, _moved(box, within), pieces_zyx, (labels_zyx, anatomy_zyx), (grid, taxonomy)
        )
        for number, box in enumerate(_boxes(numbered), start=1)
    )
    return pieces_zyx, lesions


def axial_diameter_mm(mask_yx: NDArray[np.bool_], axes_mm: Floats) -> float:
    """Longest diameter of one axial slice of a lesion, from pixel corner to pixel corner, mm.

    Pixels have extents: a lone one measures its diagonal, and a mask what a ruler on its outline
    shows. ``axes_mm`` is ``(3, 2)``, the steps of x and y in space. NaN for an empty mask.
    """
    rows = np.flatnonzero(mask_yx.any(axis=1))
    if not len(rows):
        return float("nan")
    low = mask_yx[rows].argmax(axis=1)
    high = mask_yx.shape[1] - mask_yx[rows, ::-1].argmax(axis=1)
    # The farthest corners of a convex distance are at the ends of rows.
    corners_xy = np.concatenate(
        [np.stack((x, rows + edge), axis=1) for x in (low, high) for edge in (0, 1)]
    )
    return _longest(corners_xy @ axes_mm.T)


def _wanted(taxonomy: Taxonomy, structures: Sequence[str] | None) -> NDArray[np.bool_]:
    if structures is None:
        return np.arange(NUM_VALUES) > 0
    wanted = np.zeros(NUM_VALUES, dtype=np.bool_)
    for name in structures:
        wanted[taxonomy.member_ids(name)] = True
    return wanted


def _boxes(pieces_zyx: NDArray[np.uint32]) -> list[BoxZYX]:
    find = cast("Callable[[NDArray[Any]], list[BoxZYX]]", ndimage.find_objects)
    return find(pieces_zyx.view(np.int32))


def _moved(box: BoxZYX, within: BoxZYX) -> BoxZYX:
    z, y, x = (
        slice(extent.start + outer.start, extent.stop + outer.start)
        for extent, outer in zip(box, within, strict=True)
    )
    return (z, y, x)


def _lesion(
    number: int,
    box: BoxZYX,
    pieces_zyx: NDArray[np.uint32],
    maps: tuple[LabelsZYX, LabelsZYX],
    space: tuple[Grid, Taxonomy],
) -> Lesion:
    grid, taxonomy = space
    mask_zyx = pieces_zyx[box] == number
    labels, anatomy = (
        np.bincount(layer_zyx[box][mask_zyx], minlength=NUM_VALUES) for layer_zyx in maps
    )
    areas = np.count_nonzero(mask_zyx, axis=(1, 2))
    voxels = int(areas.sum())
    centre_zyx = np.argwhere(mask_zyx).mean(axis=0) + [extent.start for extent in box]
    x, y, z = (grid.matrix[:3, :3] @ centre_zyx[::-1] + grid.matrix[:3, 3]).tolist()
    return Lesion(
        number=number,
        structure=taxonomy.by_id(int(labels.argmax())).name,
        volume_mm3=voxels * grid.voxel_ml * 1000.0,
        diameter_mm=axial_diameter_mm(mask_zyx[areas.argmax()], grid.matrix[:3, :2]),
        x_mm=x,
        y_mm=y,
        z_mm=z,
        place=_place(anatomy, centre_zyx, maps[1], grid, taxonomy),
    )


def _place(
    voxels_by_id: Ints, centre_zyx: Floats, anatomy_zyx: LabelsZYX, grid: Grid, taxonomy: Taxonomy
) -> str:
    """The smallest structure that holds more than half of what lies in any; else the largest part;
    of a lesion outside of all, the nearest to its centroid. Empty without anatomy.
    """
    if voxels_by_id[NUM_IDS:].any():
        raise ValueError(f"the anatomy holds ids above {NUM_IDS - 1}, the last of the taxonomy")
    inside = voxels_by_id[:NUM_IDS].astype(np.float64)
    inside[0] = 0.0
    if not inside.any():
        nearest = _nearest_id(centre_zyx, anatomy_zyx, grid.spacing_mm_zyx)
        return "" if nearest is None else taxonomy.by_id(nearest).name
    held = taxonomy.unions @ inside
    # Two that hold more than half lie one in the other: the one with fewer ids is the inner one.
    holding = np.flatnonzero(2 * held > inside.sum())
    if len(holding):
        return taxonomy.by_id(int(holding[taxonomy.unions[holding].sum(axis=1).argmin()])).name
    return taxonomy.by_id(int(inside.argmax())).name


def _nearest_id(
    centre_zyx: Floats, anatomy_zyx: LabelsZYX, spacing_mm: tuple[float, float, float]
) -> int | None:
    """Id of the voxel nearest to a place, searched in growing boxes around it."""
    shape, reach_mm = np.array(anatomy_zyx.shape), _FIRST_REACH_MM
    while True:
        reach = reach_mm / np.array(spacing_mm)
        low = np.maximum(np.floor(centre_zyx - reach), 0).astype(np.intp)
        high = np.minimum(np.ceil(centre_zyx + reach).astype(np.intp) + 1, shape)
        box_zyx = anatomy_zyx[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
        found = np.argwhere(box_zyx)
        is_all = bool((high - low == shape).all())
        if len(found):
            distances_mm = np.linalg.norm((found + low - centre_zyx) * spacing_mm, axis=1)
            at = int(distances_mm.argmin())
            if is_all or distances_mm[at] <= reach_mm:
                return int(box_zyx[tuple(found[at])])
        elif is_all:
            return None
        reach_mm *= 2


@compiled
def _longest(points_mm: Floats) -> float:
    squared = 0.0
    for i in range(len(points_mm)):
        for j in range(i):
            dx = points_mm[i, 0] - points_mm[j, 0]
            dy = points_mm[i, 1] - points_mm[j, 1]
            dz = points_mm[i, 2] - points_mm[j, 2]
            squared = max(squared, dx * dx + dy * dy + dz * dz)
    return np.sqrt(squared)
