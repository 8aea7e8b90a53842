"""Where to look at an item, found from whole label maps when its round asks it.

Opens no file: showing the item later reads no more than the box that is found here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from scalemai_core.records.grid import Grid
from scalemai_core.records.item_view import Box, ItemView, Piece
from scalemai_core.records.review import DRAWN_KINDS, ItemKind, ReviewItem
from scalemai_core.review.bundle.boxed import BoxedMask, ScanLabels, box_of, joint_box, moved
from scalemai_core.review.bundle.pieces import piece_hash
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.components import components, largest_component
from scalemai_core.volume.densest import densest

MAX_PIECES = 250
"""So that a piece's number is a byte."""


@dataclass(frozen=True, slots=True, eq=False)
class ItemMasks:
    """The masks that an item is about; None is an empty one, or one that it does not offer."""

    current: BoxedMask | None = None
    rival: BoxedMask | None = None
    third: BoxedMask | None = None
    candidate: BoxedMask | None = None
    """Of a lesion item, on the scan's grid."""
    host: BoxedMask | None = None
    """Where to look if there is no mask at all."""


@dataclass(frozen=True, slots=True, eq=False)
class ItemMaps:
    """The label maps that an item's masks are in; made once a map, shared by a scan's items."""

    current: ScanLabels | None = None
    rival: ScanLabels | None = None
    third: ScanLabels | None = None
    anatomy: ScanLabels | None = None
    """The organs, annotated or predicted."""

    def masks(self, structure: str, candidate: BoxedMask | None = None) -> ItemMasks:
        """Of one structure with its parts."""
        ids = load_taxonomy().member_ids(structure)
        return ItemMasks(
            current=self.current and self.current.mask(ids),
            rival=self.rival and self.rival.mask(ids),
            third=self.third and self.third.mask(ids),
            candidate=candidate,
            host=self._host(structure),
        )

    def _host(self, structure: str) -> BoxedMask | None:
        """The organ that holds it; of a part, the whole."""
        taxonomy = load_taxonomy()
        inside = [i for name in taxonomy[structure].inside for i in taxonomy.member_ids(name)]
        if inside:
            return self.anatomy and self.anatomy.mask(inside)
        for whole in taxonomy.ancestors(structure):
            found = self.current and self.current.mask(taxonomy.member_ids(whole.name))
            if found:
                return found
        return None


def view_item(item: ReviewItem, masks: ItemMasks, grid: Grid, settings: ReviewSettings) -> ItemView:
    """Where to look, how large the masks are, and the pieces that may be deleted."""
    offered = _offered(item, masks)
    shown = [mask for mask in offered.values() if mask is not None]
    centre = _centre(list(offered.values()), masks.host, grid)
    around = shown or ([masks.host] if masks.host else [])
    with_pieces = item.shown_kind in DRAWN_KINDS and masks.current is not None
    return ItemView(
        item_id=item.item_id,
        centre_zyx=centre,
        box=_shown_box([mask.box for mask in around], centre, grid, settings),
        volumes_ml=_volumes_ml(offered, grid),
        pieces=_pieces(masks.current, grid) if with_pieces and masks.current else (),
        candidate=masks.candidate.packed() if masks.candidate else None,
    )


def _offered(item: ReviewItem, masks: ItemMasks) -> dict[int, BoxedMask | None]:
    """By place: 0 the current mask, 1 the rival or a lesion's candidate, 2 the third."""
    if item.shown_kind is ItemKind.LESION:
        return {1: masks.candidate}
    if item.shown_kind is ItemKind.EDIT:
        return {0: masks.current}
    third = {} if item.third is None else {2: masks.third}
    return {0: masks.current, 1: masks.rival, **third}


def _volumes_ml(
    offered: dict[int, BoxedMask | None], grid: Grid
) -> tuple[float | None, float | None, float | None]:
    volumes = {
        place: mask.num_voxels * grid.voxel_ml if mask else 0.0 for place, mask in offered.items()
    }
    return (volumes.get(0), volumes.get(1), volumes.get(2))


def _centre(
    offered: list[BoxedMask | None], host: BoxedMask | None, grid: Grid
) -> tuple[int, int, int]:
    shown = [mask for mask in offered if mask is not None]
    look = _difference(offered) or next(iter(shown), host)
    if look is None:
        z, y, x = (n // 2 for n in grid.shape_zyx)
        return (z, y, x)
    inside = densest(largest_component(look.mask_zyx), grid.spacing_mm_zyx)
    return moved(look.first_zyx, inside)


def _difference(offered: list[BoxedMask | None]) -> BoxedMask | None:
    """Where not all agree; None where all do."""
    shown = [mask for mask in offered if mask is not None]
    if not shown:
        return None
    box = joint_box([mask.box for mask in shown])
    found = [mask.within(box) for mask in shown]
    somewhere, everywhere = np.logical_or.reduce(found), np.logical_and.reduce(found)
    if len(shown) < len(offered):  # an empty mask agrees with nothing
        return BoxedMask.of(somewhere, box[:3]) if len(offered) > 1 else None
    return BoxedMask.of(somewhere & ~everywhere, box[:3])


def _shown_box(
    boxes: list[Box], centre_zyx: tuple[int, int, int], grid: Grid, settings: ReviewSettings
) -> Box:
    """Around the masks, or around the centre where they are larger than the field."""
    whole: Box = (0, 0, 0, *grid.shape_zyx)
    around = joint_box(boxes) if boxes else whole
    lows, highs = [], []
    for axis, spacing in enumerate(grid.spacing_mm_zyx):
        margin = math.ceil(settings.margin_mm / spacing)
        field = max(1, math.floor(settings.field_mm / spacing))
        low = max(0, around[axis] - margin)
        high = min(grid.shape_zyx[axis], around[axis + 3] + margin)
        if high - low > field:
            low = min(max(low, centre_zyx[axis] - field // 2), high - field)
            high = low + field
        lows.append(low)
        highs.append(high)
    return (lows[0], lows[1], lows[2], highs[0], highs[1], highs[2])


def _pieces(current: BoxedMask, grid: Grid) -> tuple[Piece, ...]:
    """The largest first; of equals the first in the scan."""
    numbers_zyx, _ = components(current.mask_zyx)
    sizes = np.bincount(numbers_zyx.ravel())
    places = ndimage.find_objects(numbers_zyx)
    found: list[Piece] = []
    for number in 1 + np.argsort(-sizes[1:], kind="stable")[:MAX_PIECES]:
        place = places[number - 1]
        first = moved(current.first_zyx, box_of(place)[:3])
        one = BoxedMask(numbers_zyx[place] == number, first)
        found.append(
            Piece(
                number=len(found) + 1,
                volume_ml=float(sizes[number]) * grid.voxel_ml,
                box=one.box,
                piece_hash=piece_hash(one.mask_zyx, one.first_zyx),
            )
        )
    return tuple(found)
