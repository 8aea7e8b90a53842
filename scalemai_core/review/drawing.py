"""What a reader drew, or left of the current mask, as a label map of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.errors import ChangedMaskError, TooLargeError, UsageError
from scalemai_core.records.answer import PieceName
from scalemai_core.records.grid import Grid
from scalemai_core.records.item_view import Box, ItemView, Piece
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.records.review import ReviewItem
from scalemai_core.review.bundle.boxed import slices_of
from scalemai_core.review.bundle.pieces import piece_hash
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.components import components

NUM_UINT8 = 256


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What a reader drew in a box of the scan; outside of it the mask is as it was."""

    mask_zyx: NDArray[np.bool_]
    box: Box


@dataclass(frozen=True, slots=True, eq=False)
class Deletion:
    """Pieces of the current mask, found again in the voxels that are stored."""

    parts: tuple[Drawing, ...]
    """Each piece alone, in its own box."""
    words: str
    """``deleted piece 2 (3.1 ml)``."""


def find_pieces(
    store: Workspace,
    item: ReviewItem,
    view: ItemView,
    names: Sequence[PieceName],
    grid: Grid,
    max_ml: float,
) -> Deletion:
    """The named pieces, read as crops of the stored mask.

    Raises ChangedMaskError where one is not the piece that was shown, TooLargeError where together
    they are more than ``max_ml``.
    """
    shown = {(piece.number, piece.piece_hash): piece for piece in view.pieces}
    wanted = dict.fromkeys((name.number, name.piece_hash) for name in names)
    if unknown := [number for number, name in wanted if (number, name) not in shown]:
        raise ChangedMaskError(f"piece {unknown[0]} is not one that was shown; load the item again")
    pieces = [shown[name] for name in wanted]
    parts = tuple(_stored_piece(store, item, piece, grid) for piece in pieces)
    sizes_ml = [float(part.mask_zyx.sum()) * grid.voxel_ml for part in parts]
    if sum(sizes_ml) > max_ml:
        raise TooLargeError(
            f"{sum(sizes_ml):.1f} ml are more than one key deletes ({max_ml:g} ml); draw the mask"
        )
    told = zip(pieces, sizes_ml, strict=True)
    words = ", ".join(f"deleted piece {piece.number} ({ml:.1f} ml)" for piece, ml in told)
    return Deletion(parts, words)


def remaining_mask(
    store: Workspace, item: ReviewItem, grid: Grid, deletion: Deletion
) -> str | None:
    """Label map of the current mask without the pieces; None where nothing is left."""
    own_zyx = _own_labels(item, _current(store, item, grid))
    for part in deletion.parts:
        own_zyx[slices_of(part.box)][part.mask_zyx] = 0
    return _stored(store, item, own_zyx, grid)


def drawn_mask(store: Workspace, item: ReviewItem, grid: Grid, drawing: Drawing) -> str | None:
    """Label map of what was drawn, None where it is empty; a parent's parts keep their ids.

    Raises UsageError where the drawing does not lie in the scan.
    """
    box, mask_zyx = slices_of(drawing.box), drawing.mask_zyx
    inside = all(0 <= one.start < one.stop <= n for one, n in zip(box, grid.shape_zyx, strict=True))
    if not inside or mask_zyx.shape != tuple(one.stop - one.start for one in box):
        raise UsageError("the drawing does not fit the scan; export the item again and draw on it")
    own_zyx = _own_labels(item, _current(store, item, grid))
    crop_zyx = own_zyx[box]
    crop_zyx[mask_zyx & (crop_zyx == 0)] = load_taxonomy()[item.structure].id
    crop_zyx[~mask_zyx] = 0
    return _stored(store, item, own_zyx, grid)


def _current(store: Workspace, item: ReviewItem, grid: Grid) -> LabelsZYX:
    """The layer of the current mask; where nothing is labelled yet, nothing but background."""
    if item.base_label_map is None:
        return np.zeros(grid.shape_zyx, dtype=np.uint8)
    return store.labels.read(item.base_label_map)


def _stored(store: Workspace, item: ReviewItem, own_zyx: LabelsZYX, grid: Grid) -> str | None:
    if not own_zyx.any():
        return None
    return store.labels.write(own_zyx, item.scan_id, load_taxonomy()[item.structure].layer, grid)


def _own_labels(item: ReviewItem, current_zyx: LabelsZYX) -> LabelsZYX:
    kept = np.zeros(NUM_UINT8, dtype=np.uint8)
    members = load_taxonomy().member_ids(item.structure)
    kept[members] = members
    return kept[current_zyx]


def _stored_piece(store: Workspace, item: ReviewItem, piece: Piece, grid: Grid) -> Drawing:
    """The piece as the stored voxels have it, and no other that hangs together with it."""
    if item.base_label_map is None:
        raise ChangedMaskError("the mask is empty by now; take the next item")
    z, y, x = (
        (max(0, low - 1), high + 1) for low, high in zip(piece.box[:3], piece.box[3:], strict=True)
    )
    # One voxel more on every side, where the piece would go on if it were larger.
    crop_zyx = store.labels.array(item.base_label_map)[slice(*z), slice(*y), slice(*x)]
    numbers_zyx, num = components(_own_labels(item, crop_zyx) > 0)
    sizes = np.bincount(numbers_zyx.ravel(), minlength=num + 1)
    # Only pieces of about its size are hashed: its volume may have been rounded.
    alike = np.abs(sizes * grid.voxel_ml - piece.volume_ml) <= 0.01 + 0.01 * piece.volume_ml
    first_zyx = (z[0], y[0], x[0])
    for number in np.flatnonzero(alike):
        mask_zyx = numbers_zyx == number
        if number and piece_hash(mask_zyx, first_zyx) == piece.piece_hash:
            ends = (first + n for first, n in zip(first_zyx, mask_zyx.shape, strict=True))
            return Drawing(mask_zyx, (*first_zyx, *ends))
    raise ChangedMaskError(
        f"piece {piece.number} is no longer there as it was shown; load the item again"
    )
