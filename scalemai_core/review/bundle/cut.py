"""What one item shows, cut from the store when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scalemai_core.judge.rules.rule import spoken
from scalemai_core.records.decision import Candidate
from scalemai_core.records.grid import Grid
from scalemai_core.records.item_view import Box, ItemView
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.records.review import DRAWN_KINDS, ItemKind, ReviewItem
from scalemai_core.review.bundle.boxed import shape_of
from scalemai_core.review.bundle.crop import Option, read_crop
from scalemai_core.review.bundle.locator import Locator, read_locator
from scalemai_core.review.bundle.shown_pieces import number_pieces, piece_rows
from scalemai_core.review.bundle.wire import encode
from scalemai_core.review.choices import told_choice
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

KEYS = "ABC"

WORDS = {
    Candidate.CURRENT: "current",
    Candidate.PREDICTION: "model's prediction",
    Candidate.REPAIRED: "repaired",
    Candidate.ALTERNATIVE: "earlier labels",
    Candidate.REPORTED: "as the report says",
    Candidate.READER: "drawn by a reader",
}


def cut_bundle(
    store: Workspace,
    item: ReviewItem,
    view: ItemView,
    settings: ReviewSettings,
    locator: Locator | None = None,
) -> bytes:
    """The wire format, not yet compressed; a ``locator`` that is at hand is not read again.

    Raises FileNotFoundError where voxels are lost.
    """
    grid = store.scans.grid(item.scan_id)
    crop = read_crop(store, item, view)
    locator = locator or read_locator(store, item.scan_id, view.centre_zyx[1], grid)
    pieces_zyx = number_pieces(crop.options[0].mask_zyx, view.box, view.pieces)
    inside = crop_grid(grid, view.box)
    header = {
        "item": item_header(item),
        "grid": _grid_header(inside),
        "box": view.box,
        "scan_shape_zyx": grid.shape_zyx,
        "centre_zyx": [n - first for n, first in zip(view.centre_zyx, view.box[:3], strict=True)],
        "options": _option_rows(item, crop.options),
        "pieces": piece_rows(pieces_zyx, view.box, view.pieces, inside.spacing_mm_zyx, settings),
        "neighbours": _neighbour_names(crop.neighbours_zyx),
        "may_draw": item.shown_kind in DRAWN_KINDS,
        "locator": locator.header(view, grid),
    }
    arrays = {
        "image": crop.image_zyx,
        "options": _option_bits(crop.options),
        "pieces": pieces_zyx,
        "neighbours": crop.neighbours_zyx,
        "locator": locator.gray_rc,
    }
    return encode(header, arrays)


def item_header(item: ReviewItem) -> dict[str, Any]:
    """What a reader is told of an item; a honeypot looks like any other."""
    return {
        "item_id": item.item_id,
        "kind": item.shown_kind.value,
        "structure": item.structure,
        "structure_words": spoken(item.structure),
        "reason": item.reason,
        "priority": item.priority,
        "candidate_id": item.candidate_id,
        "base_label_map": item.base_label_map,
        "round": item.round,
    }


def crop_grid(grid: Grid, box: Box) -> Grid:
    """Where the voxels of a box of the scan lie in the patient."""
    shift = np.eye(4)
    shift[:3, 3] = box[2], box[1], box[0]
    return Grid.of(shape_of(box), grid.matrix @ shift)


def _grid_header(grid: Grid) -> dict[str, Any]:
    return {
        "shape_zyx": grid.shape_zyx,
        "spacing_mm_zyx": grid.spacing_mm_zyx,
        "affine": grid.affine,
    }


def _option_rows(item: ReviewItem, options: Sequence[Option]) -> list[dict[str, Any]]:
    is_lesion = item.shown_kind is ItemKind.LESION
    return [
        {
            "key": key,
            "choice": told.value,
            "words": "candidate" if is_lesion else WORDS[told],
            "volume_ml": option.volume_ml,
        }
        for key, option in zip(KEYS, options, strict=False)
        for told in [told_choice(item, option.choice)]
    ]


def _option_bits(options: Sequence[Option]) -> LabelsZYX:
    """Bit 0 is A, bit 1 is B, bit 2 is C."""
    bits_zyx = np.zeros(options[0].mask_zyx.shape, dtype=np.uint8)
    for place, option in enumerate(options):
        bits_zyx |= option.mask_zyx.view(np.uint8) << place
    return bits_zyx


def _neighbour_names(neighbours_zyx: LabelsZYX) -> dict[str, str]:
    """By id, as a string: the keys of JSON are."""
    present = np.flatnonzero(np.bincount(neighbours_zyx.reshape(-1)))
    taxonomy = load_taxonomy()
    return {str(i): spoken(taxonomy.by_id(int(i)).name) for i in present if i}
