from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.volume.components import (
    Connectivity,
    bounding_box,
    components,
    fill_holes,
    keep_by_volume,
    largest_component,
)

CORNERS = np.ones((3, 3, 3))


@st.composite
def masks(draw: st.DrawFn) -> NDArray[np.bool_]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = tuple(draw(st.integers(1, 8)) for _ in range(3))
    return rng.random(shape) < draw(st.floats(0, 1))


@settings(deadline=None)
@given(masks())
def test_bounding_box_is_the_tightest(mask: NDArray[np.bool_]) -> None:
    box = bounding_box(mask)
    if box is None:
        assert not mask.any()
        return
    assert mask[box].sum() == mask.sum()
    for axis in range(3):
        faces = mask[box].take([0, -1], axis=axis)
        assert faces.any(axis=tuple(a for a in range(3) if a != axis)).all()


@settings(max_examples=50, deadline=None)
@given(masks(), st.sampled_from([6, 18, 26]))
def test_components_of_a_mask_are_those_of_a_flood_fill(
    mask: NDArray[np.bool_], connectivity: Connectivity
) -> None:
    order = {6: 1, 18: 2, 26: 3}[connectivity]
    pieces, num = components(mask, connectivity)
    expected, count = ndimage.label(mask, ndimage.generate_binary_structure(3, order))
    assert num == count
    assert len(set(zip(pieces.ravel().tolist(), expected.ravel().tolist(), strict=True))) == len(
        set(expected.ravel().tolist())
    )


def test_voxels_of_different_labels_are_different_components() -> None:
    labels = np.array([[[1, 1, 2, 2, 0, 1]]], dtype=np.uint8)
    pieces, num = components(labels)
    assert num == 3
    assert len(set(pieces[labels > 0].tolist())) == 3


def test_a_view_with_axes_of_length_one_is_read_right() -> None:
    mask = np.zeros((2, 2, 2), dtype=bool)
    mask[:, 1, 1] = True
    assert components(mask[:, 1:, 1:])[1] == 1


@settings(max_examples=50, deadline=None)
@given(masks())
def test_largest_component_is_one_piece_as_large_as_any(mask: NDArray[np.bool_]) -> None:
    kept = largest_component(mask)
    expected, num = ndimage.label(mask, CORNERS)
    sizes = np.bincount(expected.ravel())[1:]
    assert kept.sum() == (sizes.max() if num else 0)
    assert not (kept & ~mask).any()
    assert ndimage.label(kept, CORNERS)[1] == min(num, 1)


@settings(max_examples=50, deadline=None)
@given(masks(), st.integers(0, 6))
def test_keep_by_volume_keeps_exactly_the_pieces_that_are_large_enough(
    mask: NDArray[np.bool_], voxels: int
) -> None:
    expected, num = ndimage.label(mask, CORNERS)
    large = [i for i in range(1, num + 1) if (expected == i).sum() >= voxels]
    kept = keep_by_volume(mask, min_ml=voxels * 0.5, voxel_ml=0.5)
    assert np.array_equal(kept, np.isin(expected, large))


@settings(max_examples=50, deadline=None)
@given(masks())
def test_fill_holes_without_a_limit_fills_all_that_a_flood_cannot_reach(
    mask: NDArray[np.bool_],
) -> None:
    assert np.array_equal(fill_holes(mask, np.inf, 1.0), ndimage.binary_fill_holes(mask))


def test_fill_holes_leaves_large_cavities_open() -> None:
    mask = np.zeros((12, 12, 12), dtype=np.bool_)
    mask[1:11, 1:11, 1:11] = True
    mask[3, 3, 3] = False
    mask[5:9, 5:9, 5:9] = False
    filled = fill_holes(mask, max_ml=0.01, voxel_ml=0.001)
    assert filled[3, 3, 3]
    assert not filled[5:9, 5:9, 5:9].any()


@pytest.mark.parametrize("change", [largest_component, lambda m: fill_holes(m, 1.0, 1.0)])
def test_an_empty_mask_stays_empty_and_the_input_is_untouched(change: object) -> None:
    mask = np.zeros((3, 4, 5), dtype=np.bool_)
    assert callable(change)
    changed = change(mask)
    changed[...] = True
    assert not mask.any()
