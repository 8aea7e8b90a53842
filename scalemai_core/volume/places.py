"""Some voxels of everything in a label map: where training looks, found once a label map."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage  # pyright: ignore[reportMissingTypeStubs] - scipy has none

from scalemai_core.volume.components import BoxZYX, MaskZYX, bounding_box, components

PLACES = 64
"""Voxels kept of a structure or a lesion."""

PlacesZYX = NDArray[np.int32]
"""(n, 3) voxels z, y, x."""

CornerZYX = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class LesionPlaces:
    """One connected lesion."""

    structure_id: int
    diameter_mm: float
    """Of the sphere of its volume."""
    places_zyx: PlacesZYX


@dataclass(frozen=True, slots=True)
class Places:
    """Some voxels of every structure and lesion of a label map."""

    structures: dict[int, PlacesZYX]
    """By structure id, rising."""
    lesions: tuple[LesionPlaces, ...] = ()


def find_places(
    labels_zyx: NDArray[np.uint8], voxel_ml: float, rng: np.random.Generator, *, lesions: bool
) -> Places:
    """At most 64 voxels of each structure; with ``lesions`` of each connected piece as well.

    All voxels of a structure are equally likely to be kept.
    """
    corner = (0, 0, 0)
    structures = {
        structure_id: _some(mask_zyx, first_zyx, rng)
        for structure_id, mask_zyx, first_zyx in _each(labels_zyx, corner)
    }
    box = bounding_box(labels_zyx) if lesions else None
    if box is None:
        return Places(structures)
    corner = (box[0].start, box[1].start, box[2].start)
    pieces_zyx, _ = components(labels_zyx[box])
    found: list[LesionPlaces] = []
    for _, mask_zyx, first_zyx in _each(pieces_zyx, corner):
        places_zyx = _some(mask_zyx, first_zyx, rng)
        volume_mm3 = 1000.0 * voxel_ml * np.count_nonzero(mask_zyx)
        diameter_mm = (6.0 * volume_mm3 / math.pi) ** (1 / 3)
        structure_id = int(labels_zyx[tuple(places_zyx[0])])
        found.append(LesionPlaces(structure_id, diameter_mm, places_zyx))
    return Places(structures, tuple(found))


def _each(
    keys_zyx: NDArray[np.unsignedinteger], corner_zyx: CornerZYX
) -> Iterator[tuple[int, MaskZYX, CornerZYX]]:
    """Every key, its mask within its bounding box, and that box's first voxel."""
    boxes = cast("list[BoxZYX | None]", ndimage.find_objects(keys_zyx))  # pyright: ignore[reportUnknownMemberType]
    for key, box in enumerate(boxes, start=1):
        if box is not None:
            z, y, x = (part.start + at for part, at in zip(box, corner_zyx, strict=True))
            yield key, keys_zyx[box] == key, (z, y, x)


def _some(mask_zyx: MaskZYX, first_zyx: CornerZYX, rng: np.random.Generator) -> PlacesZYX:
    members = np.flatnonzero(mask_zyx)
    chosen = np.sort(rng.choice(members, size=min(PLACES, len(members)), replace=False))
    places_zyx = np.stack(np.unravel_index(chosen, mask_zyx.shape), axis=1) + first_zyx
    return places_zyx.astype(np.int32)
