"""Connected pieces and holes of one mask, found inside its bounding box."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast

import cc3d
import numpy as np
from numpy.typing import NDArray

MaskZYX = NDArray[np.bool_]

BoxZYX = tuple[slice, slice, slice]
"""Where something lies: half-open index ranges along the array's axes."""

Connectivity = Literal[6, 18, 26]
"""Neighbours that hang together: by faces, by edges too, by corners too. Masks 26, holes then 6."""


def bounding_box(mask_zyx: NDArray[Any]) -> BoxZYX | None:
    """The smallest box around all voxels that are not 0, None where there are none."""
    # Axis by axis, each search on what the one before left: most of a volume is read once.
    if (z := _extent(mask_zyx, (1, 2))) is None:
        return None
    y = cast("slice", _extent(mask_zyx[z], (0, 2)))
    x = cast("slice", _extent(mask_zyx[z, y], (0, 1)))
    return (z, y, x)


def components(
    labels_zyx: NDArray[Any], connectivity: Connectivity = 26
) -> tuple[NDArray[np.uint32], int]:
    """Number the connected pieces 1.. and count them; voxels of different labels never connect."""
    # cc3d's path for bool miscounts its provisional labels on thin volumes of odd width and raises
    # (seen with 4.1); its path for labels does not. Its annotations are too narrow to be checked.
    if labels_zyx.dtype == np.bool_:
        labels_zyx = labels_zyx.view(np.uint8)
    labels_zyx = np.ascontiguousarray(labels_zyx)  # a view with axes of length 1 is misread (4.1)
    label = cast("Callable[..., tuple[NDArray[np.uint32], int]]", cc3d.connected_components)
    return label(labels_zyx, connectivity=connectivity, return_N=True, out_dtype=np.uint32)


def largest_component(mask_zyx: MaskZYX) -> MaskZYX:
    """The piece with the most voxels; of equals the first in the array."""
    box = bounding_box(mask_zyx)
    if box is None:
        return mask_zyx.copy()
    pieces, _ = components(mask_zyx[box])
    return _placed(mask_zyx, box, pieces == 1 + np.argmax(_sizes(pieces)[1:]))


def keep_by_volume(mask_zyx: MaskZYX, min_ml: float, voxel_ml: float) -> MaskZYX:
    """The pieces of at least ``min_ml``; ``voxel_ml`` is the volume of one voxel."""
    box = bounding_box(mask_zyx)
    if box is None:
        return mask_zyx.copy()
    pieces, _ = components(mask_zyx[box])
    kept = _sizes(pieces) * voxel_ml >= min_ml
    kept[0] = False
    return _placed(mask_zyx, box, kept[pieces])


def fill_holes(mask_zyx: MaskZYX, max_ml: float, voxel_ml: float) -> MaskZYX:
    """The mask with its enclosed holes of at most ``max_ml`` filled."""
    box = bounding_box(mask_zyx)
    if box is None:
        return mask_zyx.copy()
    inside = mask_zyx[box]
    holes, _ = components(~inside, connectivity=6)
    filled = _sizes(holes) * voxel_ml <= max_ml
    filled[border_values(holes)] = False
    filled[0] = True
    return _placed(mask_zyx, box, filled[holes])


def border_values(labels_zyx: NDArray[Any]) -> NDArray[Any]:
    """The different values on the six faces of an array."""
    faces = [labels_zyx.take(end, axis=axis).ravel() for axis in range(3) for end in (0, -1)]
    return np.unique(np.concatenate(faces))


def _extent(mask_zyx: NDArray[Any], across: tuple[int, int]) -> slice | None:
    found = np.flatnonzero(mask_zyx.any(axis=across))
    return slice(int(found[0]), int(found[-1]) + 1) if found.size else None


def _sizes(pieces_zyx: NDArray[np.uint32]) -> NDArray[np.int64]:
    return np.bincount(pieces_zyx.ravel())


def _placed(mask_zyx: MaskZYX, box: BoxZYX, content_zyx: MaskZYX) -> MaskZYX:
    placed = np.zeros_like(mask_zyx)
    placed[box] = content_zyx
    return placed
