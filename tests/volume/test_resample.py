from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalemai_core.records.grid import Grid
from scalemai_core.volume.interpolate import resample_image
from scalemai_core.volume.resample import resample_labels, resampled_grid

Shape = tuple[int, int, int]

sizes = st.integers(1, 40)
spacings = st.floats(0.4, 6.0)


def oblique_grid(shape_zyx: tuple[int, int, int]) -> Grid:
    cos, sin = np.cos(0.35), np.sin(0.35)
    directions = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = directions * [0.8, 0.7, 2.5]
    affine[:3, 3] = [-120.0, 33.0, 400.0]
    return Grid.of(shape_zyx, affine)


@given(shape=st.tuples(sizes, sizes, sizes), spacing=st.tuples(spacings, spacings, spacings))
@settings(deadline=None)
def test_a_resampled_grid_covers_exactly_the_same_box(
    shape: Shape, spacing: tuple[float, float, float]
) -> None:
    grid = oblique_grid(shape)
    new = resampled_grid(grid, spacing)
    for corner in np.ndindex(2, 2, 2):
        old_edge = np.array(corner) * grid.shape_zyx[::-1] - 0.5
        new_edge = np.array(corner) * new.shape_zyx[::-1] - 0.5
        np.testing.assert_allclose(
            new.matrix @ [*new_edge, 1], grid.matrix @ [*old_edge, 1], atol=1e-9
        )


@given(shape=st.tuples(sizes, sizes, sizes), spacing=st.tuples(spacings, spacings, spacings))
@settings(deadline=None)
def test_the_number_of_voxels_is_the_nearest_to_the_wanted_spacing(
    shape: Shape, spacing: tuple[float, float, float]
) -> None:
    grid = oblique_grid(shape)
    new = resampled_grid(grid, spacing)
    for size, old, edge, wanted in zip(
        new.shape_zyx, grid.shape_zyx, grid.spacing_mm_zyx, spacing, strict=True
    ):
        assert size >= 1
        assert size == 1 or abs(size - old * edge / wanted) <= 0.5 + 1e-9


def test_linear_resampling_reproduces_a_ramp_in_patient_coordinates() -> None:
    grid = oblique_grid((20, 24, 28))
    new = resampled_grid(grid, (1.9, 1.3, 1.1))

    def ramp(of: Grid) -> np.ndarray:
        z, y, x = np.indices(of.shape_zyx).reshape(3, -1)
        world = of.matrix @ [x, y, z, np.ones_like(x)]
        return (np.array([2.0, -3.0, 1.5]) @ world[:3]).reshape(of.shape_zyx)

    resampled = resample_image(ramp(grid), new.shape_zyx)
    inner = (slice(2, -2),) * 3  # the outermost centres lie beyond the old ones
    assert resampled.dtype == np.float32
    np.testing.assert_allclose(resampled[inner], ramp(new)[inner], atol=1e-2)


def test_resampling_to_the_same_shape_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    image_zyx = rng.integers(-1000, 1000, (5, 6, 7)).astype(np.int16)
    np.testing.assert_array_equal(resample_image(image_zyx, (5, 6, 7)), image_zyx)
    np.testing.assert_array_equal(resample_labels(image_zyx, (5, 6, 7)), image_zyx)


def test_values_never_leave_the_range_of_the_image() -> None:
    rng = np.random.default_rng(1)
    image_zyx = rng.integers(-1000, 1000, (9, 10, 11)).astype(np.int16)
    resampled = resample_image(image_zyx, (13, 4, 11))
    assert resampled.min() >= image_zyx.min()
    assert resampled.max() <= image_zyx.max()


@given(
    shape=st.tuples(*[st.integers(1, 12)] * 3),
    factor=st.tuples(*[st.integers(1, 4)] * 3),
    seed=st.integers(0, 1000),
)
@settings(deadline=None)
def test_labels_survive_a_finer_grid_and_back(shape: Shape, factor: Shape, seed: int) -> None:
    labels_zyx = np.random.default_rng(seed).integers(0, 89, shape).astype(np.uint8)
    finer = tuple(n * f for n, f in zip(shape, factor, strict=True))
    fine_zyx = resample_labels(labels_zyx, finer)
    np.testing.assert_array_equal(fine_zyx, np.kron(labels_zyx, np.ones(factor, np.uint8)))
    back_zyx = resample_labels(fine_zyx, shape)
    np.testing.assert_array_equal(back_zyx, labels_zyx)
    assert back_zyx.dtype == np.uint8


def test_labels_take_the_voxel_whose_centre_is_nearest() -> None:
    labels_zyx = np.arange(10, dtype=np.uint8).reshape(1, 1, 10)
    new = resample_labels(labels_zyx, (1, 1, 4))[0, 0]
    centres = (np.arange(4) + 0.5) * 2.5 - 0.5
    assert np.abs(new - centres).max() <= 0.5


def test_a_ball_keeps_its_volume_and_its_centre() -> None:
    grid = oblique_grid((40, 80, 80))
    z, y, x = np.indices(grid.shape_zyx).reshape(3, -1)
    centre_mm = grid.matrix @ [40, 40, 20, 1]
    world_mm = (grid.matrix @ [x, y, z, np.ones_like(x)])[:3].T
    inside = np.linalg.norm(world_mm - centre_mm[:3], axis=1) < 20
    ball_zyx = inside.reshape(grid.shape_zyx).astype(np.uint8)
    new = resampled_grid(grid, (1.5, 1.5, 1.5))
    new_zyx = resample_labels(ball_zyx, new.shape_zyx)
    assert new_zyx.sum() * new.voxel_ml == pytest.approx(ball_zyx.sum() * grid.voxel_ml, rel=0.03)
    middle = new.matrix @ [*np.argwhere(new_zyx).mean(axis=0)[::-1], 1]
    np.testing.assert_allclose(middle, centre_mm, atol=0.4)


def test_floats_return_to_the_grid_linearly() -> None:
    grid = oblique_grid((6, 6, 6))
    logits_zyx = np.full((3, 3, 3), 0.25, np.float32)
    back_zyx = resample_image(logits_zyx, grid.shape_zyx)
    assert back_zyx.shape == grid.shape_zyx
    assert back_zyx.dtype == np.float32
    np.testing.assert_allclose(back_zyx, 0.25)
