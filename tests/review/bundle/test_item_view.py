"""Where an item is looked at, how large its masks are, and which pieces it has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_up_shown_items import made_grid, made_item, painted

from scalemai_core.records.decision import Candidate
from scalemai_core.records.item_view import Box, ItemView
from scalemai_core.records.review import ItemKind
from scalemai_core.review.bundle.boxed import BoxedMask, ScanLabels, slices_of
from scalemai_core.review.bundle.pieces import piece_hash
from scalemai_core.review.bundle.view import MAX_PIECES, ItemMaps, ItemMasks, view_item
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy

SHAPE = (60, 80, 100)
GRID = made_grid(SHAPE, (1.0, 1.0, 1.0))
NARROW = ReviewSettings(field_mm=40.0, margin_mm=5.0)
LIVER: Box = (10, 10, 10, 30, 40, 50)


def maps(current: tuple[tuple[str, Box], ...], rival: tuple[tuple[str, Box], ...]) -> ItemMaps:
    return ItemMaps(ScanLabels(painted(SHAPE, *current)), ScanLabels(painted(SHAPE, *rival)))


def seen(item_maps: ItemMaps, structure: str = "liver", **more: object) -> ItemView:
    item = made_item(structure, **more)
    return view_item(item, item_maps.masks(structure), GRID, NARROW)


def holds(box: Box, place: tuple[int, int, int]) -> bool:
    return all(low <= n < high for low, n, high in zip(box[:3], place, box[3:], strict=True))


def test_the_planes_go_through_the_largest_difference() -> None:
    more = ("liver", (12, 60, 60, 20, 70, 70)), ("liver", (40, 12, 12, 43, 15, 15))
    view = seen(maps((("liver", LIVER),), (("liver", LIVER), *more)))
    assert holds(more[0][1], view.centre_zyx)
    assert np.abs(np.array(view.centre_zyx) - (16, 65, 65)).max() <= 3, "about its middle"


def test_a_thin_rim_does_not_hide_where_the_masks_differ_most() -> None:
    """The rim of one voxel and the block belong to one connected difference."""
    wide = ("liver", (9, 9, 9, 31, 41, 51)), ("liver", (14, 41, 20, 26, 53, 32))
    view = seen(maps((("liver", LIVER),), wide))
    assert holds((14, 41, 20, 26, 53, 32), view.centre_zyx)


@pytest.mark.parametrize("empty", ["current", "rival"])
def test_an_empty_mask_differs_by_all_of_the_other(empty: str) -> None:
    there, nowhere = (("liver", LIVER),), ()
    view = seen(maps(nowhere, there) if empty == "current" else maps(there, nowhere))
    full = 20 * 30 * 40 / 1000
    assert view.volumes_ml == ((0.0, full, None) if empty == "current" else (full, 0.0, None))
    assert np.abs(np.array(view.centre_zyx) - (20, 25, 30)).max() <= 3
    assert len(view.pieces) == (0 if empty == "current" else 1)


def test_maps_that_do_not_exist_are_empty_masks() -> None:
    none = ItemMaps(None, ScanLabels(painted(SHAPE, ("liver", LIVER))))
    assert seen(none).volumes_ml == (0.0, 24.0, None)


def test_masks_that_agree_are_seen_through_their_middle() -> None:
    view = seen(maps((("liver", LIVER),), (("liver", LIVER),)))
    assert np.abs(np.array(view.centre_zyx) - (20, 25, 30)).max() <= 3


def test_a_third_mask_is_measured_and_counts_as_a_difference() -> None:
    apart: Box = (44, 60, 80, 54, 70, 90)
    three = ItemMaps(
        ScanLabels(painted(SHAPE, ("liver", LIVER))),
        ScanLabels(painted(SHAPE, ("liver", LIVER))),
        ScanLabels(painted(SHAPE, ("liver", LIVER), ("liver", apart))),
    )
    view = seen(three, third=Candidate.REPAIRED, third_map="x")
    assert view.volumes_ml == (24.0, 24.0, 25.0)
    assert holds(apart, view.centre_zyx)
    assert seen(three).volumes_ml[2] is None, "not offered, not measured"


def test_the_box_has_a_margin_and_stays_in_the_scan() -> None:
    small: Box = (0, 30, 90, 6, 40, 100)
    view = seen(maps((("liver", small),), (("liver", small),)))
    assert view.box == (0, 25, 85, 11, 45, 100)


def test_the_box_is_no_wider_than_the_field_and_shows_the_centre() -> None:
    wide: Box = (5, 5, 5, 55, 75, 95)
    view = seen(maps((("liver", wide),), ()))
    assert [view.box[i + 3] - view.box[i] for i in range(3)] == [40, 40, 40]
    assert holds(view.box, view.centre_zyx)


def test_margins_and_fields_are_in_mm_along_every_axis() -> None:
    grid = made_grid(SHAPE, (5.0, 0.5, 1.0))
    box: Box = (20, 20, 20, 22, 60, 30)
    masks = ItemMaps(ScanLabels(painted(SHAPE, ("liver", box)))).masks("liver")
    view = view_item(made_item(), masks, grid, ReviewSettings(field_mm=26.0, margin_mm=6.0))
    z0, y0, x0, z1, y1, x1 = view.box
    assert (z1 - z0, y1 - y0, x1 - x0) == (5, 52, 22)
    assert (x0, x1) == (14, 36)
    assert view.volumes_ml[0] == pytest.approx(2 * 40 * 10 * 2.5 / 1000)


def test_a_scan_smaller_than_the_field_is_shown_whole() -> None:
    masks = ItemMaps(ScanLabels(painted((4, 5, 6), ("liver", (0, 0, 0, 4, 5, 6))))).masks("liver")
    view = view_item(made_item(), masks, made_grid((4, 5, 6), (1, 1, 1)), ReviewSettings())
    assert view.box == (0, 0, 0, 4, 5, 6)


def test_a_whole_is_all_its_parts() -> None:
    parts = ("pancreas_head", (5, 5, 5, 10, 10, 10)), ("pancreas_tail", (5, 5, 10, 10, 10, 20))
    view = seen(maps(parts, ()), "pancreas")
    assert view.volumes_ml[0] == pytest.approx(0.375)
    assert len(view.pieces) == 1, "parts that touch are one piece"


def test_a_lesion_item_shows_its_candidate_alone() -> None:
    mask_zyx = np.zeros(SHAPE, dtype=np.bool_)
    mask_zyx[20:24, 30:33, 40:45] = True
    mask_zyx[21, 31, 42] = False
    candidate = BoxedMask.of(mask_zyx)
    masks = maps((("liver_lesion", LIVER),), ()).masks("liver_lesion", candidate)
    view = view_item(made_item("liver_lesion", ItemKind.LESION), masks, GRID, NARROW)
    assert view.box == (15, 25, 35, 29, 38, 50)
    assert view.volumes_ml == (None, pytest.approx(0.059), None)
    assert view.pieces == ()
    assert view.candidate is not None
    np.testing.assert_array_equal(
        BoxedMask.unpacked(view.candidate).within((0, 0, 0, *SHAPE)), mask_zyx
    )
    assert mask_zyx[view.centre_zyx]


@pytest.mark.parametrize("structure", ["pancreatic_duct", "pancreatic_lesion"])
def test_where_nothing_is_there_the_organ_that_holds_it_is_shown(structure: str) -> None:
    host: Box = (20, 20, 20, 30, 40, 60)
    anatomy = ScanLabels(painted(SHAPE, ("pancreas_body", host)))
    view = view_item(
        made_item(structure, ItemKind.EDIT),
        ItemMaps(anatomy=anatomy).masks(structure),
        GRID,
        NARROW,
    )
    assert holds(host, view.centre_zyx)
    assert view.volumes_ml == (0.0, None, None)
    assert view.box[0] == 15


def test_a_missing_part_is_looked_for_in_its_whole() -> None:
    body: Box = (20, 20, 20, 30, 40, 60)
    masks = ItemMaps(ScanLabels(painted(SHAPE, ("pancreas_body", body)))).masks("pancreas_head")
    view = view_item(made_item("pancreas_head", ItemKind.EDIT), masks, GRID, NARROW)
    assert holds(body, view.centre_zyx)


def test_where_nothing_at_all_is_known_the_scan_s_middle_is_shown() -> None:
    view = view_item(made_item("liver", ItemKind.EDIT), ItemMasks(), GRID, NARROW)
    assert view.centre_zyx == (30, 40, 50)
    assert view.box == (10, 20, 30, 50, 60, 70)


def test_pieces_come_largest_first_under_the_hash_of_their_voxels() -> None:
    boxes: list[Box] = [(2, 2, 2, 4, 4, 4), (20, 20, 20, 30, 30, 30), (40, 5, 5, 44, 9, 9)]
    view = seen(maps(tuple(("liver", box) for box in boxes), ()))
    assert [piece.number for piece in view.pieces] == [1, 2, 3]
    assert [piece.box for piece in view.pieces] == [boxes[1], boxes[2], boxes[0]]
    assert [piece.volume_ml for piece in view.pieces] == pytest.approx([1.0, 0.064, 0.008])
    for piece in view.pieces:
        alone = painted(SHAPE, ("liver", piece.box)) > 0
        assert piece.piece_hash == piece_hash(alone, (0, 0, 0))


def test_no_more_pieces_are_listed_than_a_byte_can_number() -> None:
    labels_zyx = np.zeros(SHAPE, dtype=np.uint8)
    labels_zyx[::4, ::4, ::4] = load_taxonomy()["liver"].id
    labels_zyx[50:, 70:, 90:] = load_taxonomy()["liver"].id
    view = seen(ItemMaps(ScanLabels(labels_zyx)))
    assert len(view.pieces) == MAX_PIECES
    assert view.pieces[0].volume_ml == pytest.approx(1.0, rel=0.1)


def test_where_nothing_may_be_deleted_no_piece_is_offered() -> None:
    liver = maps((("liver", LIVER),), ())
    assert seen(liver, kind=ItemKind.LESION).pieces == ()
    assert len(seen(liver, kind=ItemKind.AUDIT).pieces) == 1, "like any other choice"


def test_a_honeypot_is_seen_as_any_choice() -> None:
    both = maps((("liver", LIVER),), ())
    assert seen(both, kind=ItemKind.HONEYPOT) == seen(both)


@settings(max_examples=60, deadline=None)
@given(
    masks=hnp.arrays(np.bool_, st.just((3, 7, 8, 9))),
    spacing=st.tuples(*3 * [st.sampled_from([0.7, 1.5, 5.0])]),
    field_mm=st.floats(1.0, 30.0),
)
def test_any_view_lies_in_the_scan_and_shows_its_centre(
    masks: np.ndarray, spacing: tuple[float, ...], field_mm: float
) -> None:
    grid = made_grid((7, 8, 9), spacing)
    limits = ReviewSettings(field_mm=field_mm, margin_mm=2.0)
    boxed = ItemMasks(*(BoxedMask.of(mask_zyx) for mask_zyx in masks))
    view = view_item(made_item(third=Candidate.REPAIRED), boxed, grid, limits)
    assert holds(view.box, view.centre_zyx)
    assert holds((0, 0, 0, *grid.shape_zyx), view.box[:3])
    assert all(high <= n for high, n in zip(view.box[3:], grid.shape_zyx, strict=True))
    for axis, edge in enumerate(spacing):
        assert view.box[axis + 3] - view.box[axis] <= max(1.0, field_mm / edge)
    differ = masks.any(axis=0) & ~masks.all(axis=0)
    if differ.any():
        assert differ[view.centre_zyx]
    rebuilt = np.zeros((7, 8, 9), dtype=np.bool_)
    for piece in view.pieces:
        rebuilt[slices_of(piece.box)] |= masks[0][slices_of(piece.box)]
    np.testing.assert_array_equal(rebuilt, masks[0])


@settings(max_examples=40, deadline=None)
@given(mask_zyx=hnp.arrays(np.bool_, hnp.array_shapes(min_dims=3, max_dims=3, max_side=6)))
def test_any_mask_survives_packing(mask_zyx: np.ndarray) -> None:
    boxed = BoxedMask.of(mask_zyx, (3, 4, 5))
    if boxed is None:
        assert not mask_zyx.any()
        return
    again = BoxedMask.unpacked(boxed.packed())
    z, y, x = mask_zyx.shape
    np.testing.assert_array_equal(again.within((3, 4, 5, 3 + z, 4 + y, 5 + x)), mask_zyx)
