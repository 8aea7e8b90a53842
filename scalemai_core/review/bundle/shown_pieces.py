"""Which voxels of a crop belong to which piece of the whole mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.records.item_view import Box, Piece
from scalemai_core.review.bundle.boxed import BoxedMask, box_of, moved, overlap_of
from scalemai_core.review.bundle.pieces import piece_hash
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.volume.components import MaskZYX, components
from scalemai_core.volume.densest import densest

Fragments = list[tuple[int, BoxedMask]]
"""Number in the crop, and voxels in the scan."""


def number_pieces(current_zyx: MaskZYX, box: Box, pieces: Sequence[Piece]) -> NDArray[np.uint8]:
    """The number of the piece at every voxel of the crop ``box``; 0 where it is none, or unknown.

    What does not reach the crop's faces is a whole piece and known by its box, and by its hash
    where boxes are equal. The rest belongs to the largest piece that the crop cuts and whose box
    holds it: no key deletes such a piece, so that a mistaken number does no harm.
    """
    found_zyx, _ = components(current_zyx)
    numbers = np.zeros(int(found_zyx.max(initial=0)) + 1, dtype=np.uint8)
    fragments = _fragments(found_zyx, box)
    by_box: dict[Box, Fragments] = {}
    for number, fragment in fragments:
        by_box.setdefault(fragment.box, []).append((number, fragment))
    for piece in pieces:
        alike = by_box.get(piece.box, [])
        for number, fragment in alike:
            if len(alike) == 1 or _is(fragment, piece):
                numbers[number] = piece.number
    cut = [piece for piece in pieces if not _holds(box, piece.box)]
    for number, fragment in fragments:
        if not numbers[number] and _reaches_face(fragment.box, box):
            homes = (piece.number for piece in cut if _holds(piece.box, fragment.box))
            numbers[number] = next(homes, 0)
    return numbers[found_zyx]


def piece_rows(
    numbers_zyx: NDArray[np.uint8],
    box: Box,
    pieces: Sequence[Piece],
    spacing_mm_zyx: tuple[float, float, float],
    settings: ReviewSettings,
) -> list[dict[str, Any]]:
    """The pieces that show in the crop; what is not shown whole is not deleted by a key."""
    places = ndimage.find_objects(numbers_zyx)
    rows: list[dict[str, Any]] = []
    for piece in pieces:
        place = places[piece.number - 1] if piece.number <= len(places) else None
        if place is None:
            continue
        inside = densest(numbers_zyx[place] == piece.number, spacing_mm_zyx)
        small = piece.volume_ml <= settings.max_delete_ml
        rows.append(
            {
                "number": piece.number,
                "piece_hash": piece.piece_hash,
                "volume_ml": piece.volume_ml,
                "centre_zyx": [part.start + n for part, n in zip(place, inside, strict=True)],
                "deletable": small and _holds(box, piece.box),
            }
        )
    return rows


def _fragments(found_zyx: NDArray[np.uint32], box: Box) -> Fragments:
    fragments: Fragments = []
    for number, place in enumerate(ndimage.find_objects(found_zyx), start=1):
        first = moved(box[:3], box_of(place)[:3])
        fragments.append((number, BoxedMask(found_zyx[place] == number, first)))
    return fragments


def _is(fragment: BoxedMask, piece: Piece) -> bool:
    return piece_hash(fragment.mask_zyx, fragment.first_zyx) == piece.piece_hash


def _holds(outer: Box, inner: Box) -> bool:
    return overlap_of(outer, inner) == inner


def _reaches_face(inner: Box, outer: Box) -> bool:
    return any(a == b for a, b in zip(inner, outer, strict=True))
