"""A lesion mask taken apart: every connected lesion with its size, its centre and its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    labels_zyx: LabelsZYX
    anatomy_zyx: LabelsZYX
    anatomy_box: BoxZYX | None
    """Where there is any anatomy."""
    grid: Grid
    taxonomy: Taxonomy


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
    scan = _Scan(labels_zyx, anatomy_zyx, bounding_box(anatomy_zyx), grid, taxonomy)
    lesions = tuple(
        _lesion(number, _moved(box, within), pieces_zyx, scan)
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


def _lesion(number: int, box: BoxZYX, pieces_zyx: NDArray[np.uint32], scan: _Scan) -> Lesion:
    mask_zyx = pieces_zyx[box] == number
    labels, anatomy = (
        np.bincount(layer_zyx[box][mask_zyx], minlength=NUM_VALUES)
        for layer_zyx in (scan.labels_zyx, scan.anatomy_zyx)
    )
    areas = np.count_nonzero(mask_zyx, axis=(1, 2))
    axes_mm = scan.grid.matrix[:3]
    centre_zyx = np.argwhere(mask_zyx).mean(axis=0) + [extent.start for extent in box]
    x, y, z = (axes_mm[:, :3] @ centre_zyx[::-1] + axes_mm[:, 3]).tolist()
    return Lesion(
        number=number,
        structure=scan.taxonomy.by_id(int(labels.argmax())).name,
        volume_mm3=int(areas.sum()) * scan.grid.voxel_ml * 1000.0,
        diameter_mm=axial_diameter_mm(mask_zyx[areas.argmax()], axes_mm[:, :2]),
        x_mm=x,
        y_mm=y,
        z_mm=z,
        place=_place(anatomy, centre_zyx, scan),
    )


def _place(voxels_by_id: Ints, centre_zyx: Floats, scan: _Scan) -> str:
    """The smallest structure that holds more than half of what lies in any; else the largest part;
    of a lesion outside of all, the nearest to its centroid. Empty without anatomy.
    """
    if voxels_by_id[NUM_IDS:].any():
        raise ValueError(f"the anatomy holds ids above {NUM_IDS - 1}, the last of the taxonomy")
    inside = voxels_by_id[:NUM_IDS].astype(np.float64)
    inside[0] = 0.0
    if not inside.any():
        return _nearest_place(centre_zyx, scan)
    unions = scan.taxonomy.unions
    # Two that hold more than half lie one in the other: the one with fewer ids is the inner one.
    holding = np.flatnonzero(2 * (unions @ inside) > inside.sum())
    smallest = holding[unions[holding].sum(axis=1).argmin()] if len(holding) else inside.argmax()
    return scan.taxonomy.by_id(int(smallest)).name


def _nearest_place(centre_zyx: Floats, scan: _Scan) -> str:
    if scan.anatomy_box is None:
        return ""
    steps_mm: list[Floats] = []
    for axis, spacing in enumerate(scan.grid.spacing_mm_zyx):
        extent = scan.anatomy_box[axis]
        voxels = np.arange(extent.start, extent.stop, dtype=np.float64)
        steps_mm.append((voxels - centre_zyx[axis]) * spacing)
    z, y, x = (np.argsort(np.abs(steps), kind="stable") for steps in steps_mm)
    squared = (steps_mm[0][z] ** 2, steps_mm[1][y] ** 2, steps_mm[2][x] ** 2)
    nearest = _nearest(scan.anatomy_zyx[scan.anatomy_box], (z, y, x), squared)
    return scan.taxonomy.by_id(int(nearest)).name


@compiled
def _nearest(
    labels_zyx: LabelsZYX,
    order_zyx: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]],
    squared_zyx: tuple[Floats, Floats, Floats],
) -> int:
    """Value of the nearest voxel that is not 0: slices, rows and voxels from near to far, each
    only as long as it may still be nearer.
    """
    (order_z, order_y, order_x), (away_z, away_y, away_x) = order_zyx, squared_zyx
    best, value = np.inf, 0
    for z in range(len(order_z)):
        if away_z[z] >= best:
            break
        for y in range(len(order_y)):
            away = away_z[z] + away_y[y]
            if away >= best:
                break
            for x in range(len(order_x)):
                if away + away_x[x] >= best:
                    break
                if labels_zyx[order_z[z], order_y[y], order_x[x]]:
                    best, value = (
                        away + away_x[x],
                        int(labels_zyx[order_z[z], order_y[y], order_x[x]]),
                    )
                    break
    return value


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
