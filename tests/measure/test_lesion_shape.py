from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from scalemai_core.measure.lesion_shape import lesion_place, lesion_shape
from scalemai_core.records.grid import Grid
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()


def grid_of(
    shape: tuple[int, int, int], mm_xyz: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> Grid:
    affine = np.diag([*mm_xyz, 1.0])
    affine[:3, 3] = (-10.0, 20.0, 30.0)
    return Grid.of(shape, affine)


def places_of(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.flatnonzero(mask)


def test_a_single_voxel_is_as_wide_as_its_longer_edge() -> None:
    mask = np.zeros((3, 4, 5), dtype=bool)
    mask[1, 2, 3] = True
    shape = lesion_shape(places_of(mask), grid_of(mask.shape, (0.7, 0.9, 5.0)))
    assert shape.diameter_mm == pytest.approx(0.9)
    assert shape.volume_mm3 == pytest.approx(0.7 * 0.9 * 5.0)
    assert (shape.x_mm, shape.y_mm, shape.z_mm) == pytest.approx((-7.9, 21.8, 35.0))


def test_a_row_of_ten_voxels_is_ten_voxels_long() -> None:
    mask = np.zeros((2, 3, 12), dtype=bool)
    mask[0, 1, 1:11] = True
    assert lesion_shape(places_of(mask), grid_of(mask.shape)).diameter_mm == pytest.approx(10.0)


def test_the_diameter_is_that_of_the_largest_slice_not_the_longest() -> None:
    mask = np.zeros((3, 12, 20), dtype=bool)
    mask[0, 5, :18] = True
    mask[1, 2:9, 4:11] = True
    found = lesion_shape(places_of(mask), grid_of(mask.shape, (1.0, 1.0, 2.0)))
    assert found.diameter_mm == pytest.approx(math.hypot(7, 6), abs=0.1)


@pytest.mark.parametrize("diameter_mm", [4.0, 10.0, 25.0])
def test_a_ball_has_its_own_diameter_and_volume(diameter_mm: float) -> None:
    mm = (0.8, 0.8, 1.5)
    index = np.indices((25, 41, 41)).astype(float)
    centre = (12, 20, 20)
    squared = sum(((index[a] - centre[a]) * mm[2 - a]) ** 2 for a in range(3))
    mask = squared <= (diameter_mm / 2) ** 2
    found = lesion_shape(places_of(mask), grid_of(mask.shape, mm))
    assert found.diameter_mm == pytest.approx(diameter_mm, abs=0.8)
    assert found.volume_mm3 == pytest.approx(math.pi / 6 * diameter_mm**3, rel=0.2)


def test_a_turned_grid_turns_the_centroid_and_keeps_the_diameter() -> None:
    mask = np.zeros((1, 8, 8), dtype=bool)
    mask[0, 2, 1:7] = True
    turn = np.eye(4)
    turn[:2, :2] = [[0.8, -0.6], [0.6, 0.8]]
    found = lesion_shape(places_of(mask), Grid.of(mask.shape, turn))
    assert found.diameter_mm == pytest.approx(6.0)
    assert (found.x_mm, found.y_mm) == pytest.approx((0.8 * 3.5 - 0.6 * 2, 0.6 * 3.5 + 0.8 * 2))


def test_a_lesion_lies_where_most_of_it_lies() -> None:
    anatomy = np.zeros((4, 6, 8), dtype=np.uint8)
    head, tail = TAXONOMY["pancreas_head"].id, TAXONOMY["pancreas_tail"].id
    anatomy[1, :, :4], anatomy[1, :, 4:] = head, tail
    mask = np.zeros(anatomy.shape, dtype=bool)
    mask[0:2, 2:4, 3:7] = True
    place = lesion_place(places_of(mask), anatomy, grid_of(mask.shape), TAXONOMY)
    assert place == "pancreas_tail"


def test_a_lesion_across_two_parts_lies_in_the_whole() -> None:
    anatomy = np.zeros((1, 4, 12), dtype=np.uint8)
    for part, x in (("head", 0), ("body", 4), ("tail", 8)):
        anatomy[:, :, x : x + 4] = TAXONOMY[f"pancreas_{part}"].id
    anatomy[0, 0, 4:8] = TAXONOMY["postcava"].id
    mask = np.zeros(anatomy.shape, dtype=bool)
    mask[0, :, 3:10] = True  # 4 of the head, 12 of the body, 8 of the tail, 4 of a vein
    assert lesion_place(places_of(mask), anatomy, grid_of(mask.shape), TAXONOMY) == "pancreas"
    mask[0, :, 3] = mask[0, :, 8:] = False
    assert lesion_place(places_of(mask), anatomy, grid_of(mask.shape), TAXONOMY) == "pancreas_body"
    anatomy[0, 1:, 4] = TAXONOMY["liver"].id  # 4 of a vein, 3 of the liver, 9 of the body
    anatomy[0, 1:, 5] = TAXONOMY["spleen"].id
    place = lesion_place(places_of(mask), anatomy, grid_of(mask.shape), TAXONOMY)
    assert place == "pancreas_body"


def test_a_lesion_outside_of_all_lies_near_the_nearest_structure_in_mm() -> None:
    anatomy = np.zeros((30, 40, 40), dtype=np.uint8)
    anatomy[20, 20, 20] = TAXONOMY["liver"].id  # 5 slices of 5 mm away
    anatomy[15, 20, 36] = TAXONOMY["spleen"].id  # 16 voxels of 1 mm away
    mask = np.zeros(anatomy.shape, dtype=bool)
    mask[15, 20, 20] = True
    grid = grid_of(anatomy.shape, (1.0, 1.0, 5.0))
    assert lesion_place(places_of(mask), anatomy, grid, TAXONOMY) == "spleen"
    assert lesion_place(places_of(mask), np.zeros_like(anatomy), grid, TAXONOMY) == ""
