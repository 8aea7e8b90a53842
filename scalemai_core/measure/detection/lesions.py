"""A lesion mask taken apart: every connected lesion with its size, its centre and its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage  # pyright: ignore[reportMissingTypeStubs]

from scalemai_core.measure.lesion_shape import lesion_place, lesion_shape
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.records.lesion import Lesion
from scalemai_core.taxonomy.taxonomy import Taxonomy
from scalemai_core.volume.components import BoxZYX, bounding_box, components
from scalemai_core.volume.histogram import NUM_IDS as NUM_VALUES


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
    find = cast("Callable[[NDArray[Any]], list[BoxZYX]]", ndimage.find_objects)
    lesions: list[Lesion] = []
    for number, box in enumerate(find(numbered.view(np.int32)), start=1):
        places = _places(numbered[box] == number, _corner(within, box), grid.shape_zyx)
        votes = np.bincount(labels_zyx.reshape(-1)[places], minlength=NUM_VALUES)
        lesions.append(
            Lesion(
                number=number,
                structure=taxonomy.by_id(int(votes.argmax())).name,
                place=lesion_place(places, anatomy_zyx, grid, taxonomy),
                **asdict(lesion_shape(places, grid)),
            )
        )
    return pieces_zyx, tuple(lesions)


def _corner(within: BoxZYX, box: BoxZYX) -> list[int]:
    return [outer.start + own.start for outer, own in zip(within, box, strict=True)]


def _places(
    mask_zyx: NDArray[np.bool_], corner_zyx: list[int], shape_zyx: tuple[int, int, int]
) -> NDArray[np.int64]:
    """Flat indices, in an array of ``shape_zyx``, of a mask whose first voxel is at a corner."""
    z, y, x = (np.argwhere(mask_zyx) + corner_zyx).T
    return ((z * shape_zyx[1] + y) * shape_zyx[2] + x).astype(np.int64)


def _wanted(taxonomy: Taxonomy, structures: Sequence[str] | None) -> NDArray[np.bool_]:
    if structures is None:
        return np.arange(NUM_VALUES) > 0
    wanted = np.zeros(NUM_VALUES, dtype=np.bool_)
    for name in structures:
        wanted[taxonomy.member_ids(name)] = True
    return wanted
