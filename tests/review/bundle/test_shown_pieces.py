"""A crop's voxels get the number of the piece they belong to in the whole scan."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_up_shown_items import made_grid, made_item

from scalemai_core.records.item_view import Box, Piece
from scalemai_core.review.bundle.boxed import BoxedMask, slices_of
from scalemai_core.review.bundle.pieces import piece_hash
from scalemai_core.review.bundle.shown_pieces import number_pieces, piece_rows
from scalemai_core.review.bundle.view import ItemMasks, view_item
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.volume.components import components

SETTINGS = ReviewSettings(max_delete_ml=0.5)


def pieces_of(mask_zyx: np.ndarray) -> tuple[Piece, ...]:
    masks = ItemMasks(current=BoxedMask.of(mask_zyx))
    grid = made_grid(mask_zyx.shape, (1.0, 1.0, 1.0))
    return view_item(made_item(), masks, grid, SETTINGS).pieces


def test_pieces_that_fill_the_same_box_are_told_apart_by_their_hash() -> None:
    one, other = np.zeros((2, 5, 9, 9), dtype=np.bool_)
    one[0, 0, :] = one[0, :, 0] = one[:, 8, 0] = True
    other[:, 8, 8] = other[4, :, 8] = other[4, 4, :] = True
    pieces = pieces_of(one | other)
    assert [piece.box for piece in pieces] == [(0, 0, 0, 5, 9, 9)] * 2
    numbers = number_pieces(one | other, (0, 0, 0, 5, 9, 9), pieces)
    assert len(set(numbers[one])) == len(set(numbers[other])) == 1
    assert {numbers[0, 0, 5], numbers[4, 4, 5]} == {1, 2}
    for piece in pieces:
        assert piece_hash(numbers == piece.number, (0, 0, 0)) == piece.piece_hash


def test_what_the_crop_does_not_show_whole_is_not_deleted() -> None:
    mask_zyx = np.zeros((6, 6, 30), dtype=np.bool_)
    mask_zyx[2:4, 2:4, 2:20] = True
    mask_zyx[2, 2, 24] = True
    pieces = pieces_of(mask_zyx)
    for box, deletable in (((0, 0, 0, 6, 6, 20), True), ((0, 0, 0, 6, 6, 19), False)):
        numbers = number_pieces(mask_zyx[slices_of(box)], box, pieces)
        assert set(np.unique(numbers)) == {0, 1}
        rows = piece_rows(numbers, box, pieces, (1, 1, 1), SETTINGS)
        assert [(row["number"], row["deletable"]) for row in rows] == [(1, deletable)]


@settings(max_examples=150, deadline=None)
@given(
    mask_zyx=hnp.arrays(np.bool_, st.just((4, 9, 9))),
    corners=st.tuples(*(st.tuples(st.integers(0, n - 1), st.integers(1, n)) for n in (4, 9, 9))),
)
def test_every_piece_that_is_wholly_shown_has_its_own_voxels(
    mask_zyx: np.ndarray, corners: tuple[tuple[int, int], ...]
) -> None:
    (z0, dz), (y0, dy), (x0, dx) = corners
    box: Box = (z0, y0, x0, min(4, z0 + dz), min(9, y0 + dy), min(9, x0 + dx))
    pieces = pieces_of(mask_zyx)
    numbers = number_pieces(mask_zyx[slices_of(box)], box, pieces)
    assert not (numbers[~mask_zyx[slices_of(box)]]).any()
    found_zyx, _ = components(mask_zyx)
    rows = piece_rows(numbers, box, pieces, (1, 1, 1), SETTINGS)
    for row in (row for row in rows if row["deletable"]):
        shown = np.zeros(mask_zyx.shape, dtype=np.bool_)
        shown[slices_of(box)] = numbers == row["number"]
        (component,) = np.unique(found_zyx[shown])
        np.testing.assert_array_equal(shown, found_zyx == component)
        (again,) = pieces_of(shown)
        assert again.piece_hash == row["piece_hash"]
