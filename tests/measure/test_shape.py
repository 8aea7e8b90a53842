from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.measure.pieces import count_pieces, enclosed_voxels
from scalemai_core.measure.shape import ShapeTable, describe
from scalemai_core.records.grid import Grid
from scalemai_core.volume.runs import Runs

NUM = 6
UNIONS = np.eye(NUM, dtype=np.bool_)
UNIONS[1, [2, 3]] = True  # 1 is the parent of 2 and 3
AFFINE = np.array([[2.0, 0, 0, -10], [0, 3.0, 0, 20], [0, 0, 5.0, -30], [0, 0, 0, 1]])
CORNERS = np.ones((3, 3, 3))


@st.composite
def label_maps(draw: st.DrawFn) -> NDArray[np.uint8]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = tuple(draw(st.integers(1, 7)) for _ in range(3))
    labels = rng.integers(0, NUM, shape, dtype=np.uint8)
    return np.where(rng.random(shape) < draw(st.floats(0, 1)), labels, 0).astype(np.uint8)


def table_of(labels: NDArray[np.uint8], **options: object) -> ShapeTable:
    image = np.random.default_rng(0).integers(-1000, 3000, labels.shape).astype(np.int16)
    grid = Grid.of(labels.shape, AFFINE)
    return describe([Runs.of(labels)], image, grid, UNIONS, **options)  # pyright: ignore[reportArgumentType]


def mask_of(labels: NDArray[np.uint8], structure: int) -> NDArray[np.bool_]:
    return np.isin(labels, np.flatnonzero(UNIONS[structure]))


@settings(max_examples=60, deadline=None)
@given(label_maps())
def test_every_number_equals_the_one_taken_from_the_structures_mask(
    labels: NDArray[np.uint8],
) -> None:
    image = np.random.default_rng(0).integers(-1000, 3000, labels.shape).astype(np.int16)
    table = table_of(labels)
    for s in range(1, NUM):
        mask = mask_of(labels, s)
        assert table.voxels[s] == mask.sum()
        assert table.volume_ml[s] == pytest.approx(mask.sum() * 0.03)
        if not mask.any():
            assert np.isnan([table.mean_hu[s], table.sd_hu[s], table.hole_share[s]]).all()
            assert np.isnan(table.centroid_ras_mm[s]).all()
            assert not table.touches[s].any()
            assert not table.box_zyx[s].any()
            continue
        assert table.mean_hu[s] == pytest.approx(image[mask].mean())
        assert table.sd_hu[s] == pytest.approx(image[mask].std(), abs=1e-4)
        where = np.argwhere(mask)
        box = np.stack([where.min(axis=0), where.max(axis=0) + 1], axis=1)
        assert np.array_equal(table.box_zyx[s], box)
        assert np.array_equal(table.touches[s, :, 0], box[:, 0] == 0)
        assert np.array_equal(table.touches[s, :, 1], box[:, 1] == labels.shape)
        centroid = AFFINE @ [*where.mean(axis=0)[::-1], 1]
        assert table.centroid_ras_mm[s] == pytest.approx(centroid[:3])
        slices = np.flatnonzero(mask.any(axis=(1, 2)))
        assert table.empty_slices[s] == np.ptp(slices) + 1 - slices.size


@settings(max_examples=60, deadline=None)
@given(label_maps(), st.integers(1, 5))
def test_pieces_equal_those_of_each_mask(labels: NDArray[np.uint8], min_voxels: int) -> None:
    pieces = count_pieces(Runs.of(labels), UNIONS, min_voxels)
    for s in range(1, NUM):
        sizes = np.bincount(ndimage.label(mask_of(labels, s), CORNERS)[0].ravel())[1:]
        assert pieces.counted[s] == (sizes >= min_voxels).sum()
        assert pieces.outside_largest[s] == sizes.sum() - sizes.max(initial=0)


def test_enclosed_voxels_are_background_walled_in_by_one_structure() -> None:
    labels = np.zeros((12, 12, 30), dtype=np.uint8)
    labels[1:8, 1:8, 1:8] = 2
    labels[3:5, 3:5, 3:5] = 0
    labels[1:8, 1:8, 10:17] = 3
    labels[4, 4, 13] = 4  # another structure inside is no hole
    labels[1:8, 1:8, 20:23] = 2
    labels[1:8, 1:8, 23:27] = 3
    labels[4, 4, 22:24] = 0  # between two parts: a hole of their parent only
    enclosed = enclosed_voxels(Runs.of(labels), UNIONS)
    assert enclosed[2] == 8
    assert enclosed[3] == 0
    assert enclosed[1] == 10
    assert enclosed[4] == 0


def test_an_open_cavity_is_no_hole() -> None:
    labels = np.full((5, 5, 5), 2, dtype=np.uint8)
    labels[2, 2, 2:] = 0
    assert not enclosed_voxels(Runs.of(labels), UNIONS).any()


def test_flat_ends_tell_a_cut_mask_from_one_that_leaves_the_volume() -> None:
    labels = np.zeros((10, 8, 8), dtype=np.uint8)
    labels[4:10, 1:5, 1:5] = 2  # cut flat below, leaves the volume above
    labels[2, 6, 6] = labels[4, 6, 6] = 4  # tapers: one voxel at each end of two-voxel slices
    labels[3, 6, 5:7] = 4
    table = table_of(labels)
    assert table.flat_end_share[2].tolist() == [1.0, 0.0]
    assert table.flat_end_share[4].tolist() == [0.5, 0.5]
    assert np.isnan(table.flat_end_share[5]).all()


def test_layers_are_measured_together_as_each_alone() -> None:
    rng = np.random.default_rng(1)
    one = rng.choice(np.array([0, 2, 3], dtype=np.uint8), (6, 7, 8))
    other = rng.choice(np.array([0, 4, 5], dtype=np.uint8), (6, 7, 8))
    image = rng.integers(-1000, 3000, one.shape).astype(np.int16)
    grid = Grid.of(one.shape, AFFINE)
    layers = [Runs.of(one), Runs.of(other)]
    both = describe(layers, image, grid, UNIONS)
    for labels, ids in zip(layers, ([1, 2, 3], [4, 5]), strict=True):
        alone = describe([labels], image, grid, UNIONS)
        for field in alone.__dataclass_fields__:
            assert np.array_equal(getattr(both, field)[ids], getattr(alone, field)[ids])


def test_crumbs_do_not_count_as_pieces_but_lie_outside_the_largest() -> None:
    labels = np.zeros((9, 9, 9), dtype=np.uint8)
    labels[:4, :4, :4] = 4
    labels[6:8, 6:8, 6:8] = 4
    labels[8, 0, 0] = 4
    table = table_of(labels, min_component_ml=0.2)  # a voxel is 0.03 ml
    assert table.num_pieces[4] == 2
    assert table.outside_largest_share[4] == pytest.approx(9 / 73)


def test_an_empty_layer_has_no_numbers_and_raises_nothing() -> None:
    table = table_of(np.zeros((4, 4, 4), dtype=np.uint8))
    assert not table.voxels[1:].any()
    assert not table.num_pieces.any()
    assert np.isnan(table.outside_largest_share[1:]).all()
