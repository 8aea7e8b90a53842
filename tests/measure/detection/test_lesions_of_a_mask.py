"""Lesions of a label map: what they measure, what they are, where they lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.measure.detection.lesions import find_lesions
from scalemai_core.records.grid import Grid
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
HEAD, BODY, TAIL, PANCREAS, LIVER, SPLEEN = (
    TAXONOMY[name].id
    for name in ("pancreas_head", "pancreas_body", "pancreas_tail", "pancreas", "liver", "spleen")
)
PANCREATIC, HEPATIC = TAXONOMY["pancreatic_lesion"].id, TAXONOMY["liver_lesion"].id
SHAPE = (12, 40, 50)
GRID = Grid.of(SHAPE, np.array([[0.8, 0, 0, -10], [0, 0.7, 0, 20], [0, 0, 2.5, 5], [0, 0, 0, 1.0]]))


def empty() -> NDArray[np.uint8]:
    return np.zeros(SHAPE, dtype=np.uint8)


def test_a_lone_voxel_measures_its_longer_edge() -> None:
    labels, anatomy = empty(), empty()
    labels[3, 20, 30], anatomy[3, 20, 30] = PANCREATIC, TAIL
    pieces, (lesion,) = find_lesions(labels, anatomy, GRID, TAXONOMY)
    assert np.argwhere(pieces).tolist() == [[3, 20, 30]]
    assert lesion.diameter_mm == pytest.approx(0.8)
    assert lesion.volume_mm3 == pytest.approx(0.8 * 0.7 * 2.5)
    assert (lesion.x_mm, lesion.y_mm, lesion.z_mm) == pytest.approx((14.0, 34.0, 12.5))
    assert (lesion.structure, lesion.place, lesion.number) == (
        "pancreatic_lesion",
        "pancreas_tail",
        1,
    )


def test_corners_hold_lesions_together_and_the_larger_part_names_them() -> None:
    labels = empty()
    labels[2, 5, 5] = HEPATIC
    labels[3, 6, 6:9] = PANCREATIC
    labels[8, 30, 40] = HEPATIC
    pieces, lesions = find_lesions(labels, empty(), GRID, TAXONOMY)
    assert [lesion.structure for lesion in lesions] == ["pancreatic_lesion", "liver_lesion"]
    assert [int((pieces == lesion.number).sum()) for lesion in lesions] == [4, 1]


def test_a_site_sees_its_own_lesions_only() -> None:
    labels = empty()
    labels[2, 5, 5] = HEPATIC
    labels[2, 5, 6] = PANCREATIC
    pieces, lesions = find_lesions(labels, empty(), GRID, TAXONOMY, ["liver_lesion"])
    assert [lesion.structure for lesion in lesions] == ["liver_lesion"]
    assert np.argwhere(pieces).tolist() == [[2, 5, 5]]


def test_the_diameter_is_of_the_slice_with_the_largest_area() -> None:
    labels = empty()
    labels[3, 10, 5:25] = PANCREATIC  # long, but 20 voxels
    labels[4, 8:13, 8:13] = PANCREATIC  # 25
    _, (lesion,) = find_lesions(labels, empty(), GRID, TAXONOMY)
    assert lesion.diameter_mm == pytest.approx(np.hypot(5 * 0.8, 4 * 0.7))


def test_a_ball_measures_its_diameter() -> None:
    grid = Grid.of((41, 81, 81), np.diag([0.5, 0.5, 1.0, 1.0]))
    at = np.indices(grid.shape_zyx) - np.array([20, 40, 40])[:, None, None, None]
    ball = ((at * np.array([1.0, 0.5, 0.5])[:, None, None, None]) ** 2).sum(axis=0) <= 15**2
    labels = (ball * PANCREATIC).astype(np.uint8)
    _, (lesion,) = find_lesions(labels, np.zeros_like(labels), grid, TAXONOMY)
    assert 30 <= lesion.diameter_mm <= 31.5
    assert lesion.volume_mm3 == pytest.approx(4 / 3 * np.pi * 15**3, rel=0.01)


@pytest.mark.parametrize(
    ("under", "place"),
    [
        ({HEAD: 6, BODY: 4}, "pancreas_head"),
        ({HEAD: 4, BODY: 3, TAIL: 3}, "pancreas"),
        ({HEAD: 3, PANCREAS: 7}, "pancreas"),
        ({HEAD: 7, PANCREAS: 3}, "pancreas_head"),
        ({LIVER: 1}, "liver"),
        ({HEAD: 2, LIVER: 3, SPLEEN: 2}, "liver"),
    ],
)
def test_the_place_is_the_smallest_structure_that_holds_most(
    under: dict[int, int], place: str
) -> None:
    labels, anatomy = empty(), empty()
    labels[5, 20, 10:20] = PANCREATIC
    voxels = np.repeat(list(under), list(under.values()))
    anatomy[5, 20, 10 : 10 + len(voxels)] = voxels
    _, (lesion,) = find_lesions(labels, anatomy, GRID, TAXONOMY)
    assert TAXONOMY[lesion.place].id == TAXONOMY[place].id


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_outside_of_all_the_nearest_structure_is_the_place(seed: int, num: int) -> None:
    rng = np.random.default_rng(seed)
    labels, anatomy = empty(), empty()
    centre = rng.integers(0, SHAPE)
    labels[tuple(centre)] = PANCREATIC
    ids = rng.choice([HEAD, BODY, TAIL, LIVER], num)
    places = rng.integers(0, SHAPE, (num, 3))
    anatomy[tuple(places.T)] = ids
    anatomy[tuple(centre)] = 0
    _, (lesion,) = find_lesions(labels, anatomy, GRID, TAXONOMY)
    if not anatomy.any():
        assert lesion.place == ""
        return
    at = np.argwhere(anatomy)
    distances = np.linalg.norm((at - centre) * GRID.spacing_mm_zyx, axis=1)
    nearest = at[np.isclose(distances, distances.min())]
    assert TAXONOMY[lesion.place].id in anatomy[tuple(nearest.T)]


def test_many_lesions_are_those_of_plain_labelling() -> None:
    rng = np.random.default_rng(4)
    labels = ((rng.random(SHAPE) < 0.03) * PANCREATIC).astype(np.uint8)
    pieces, lesions = find_lesions(labels, empty(), GRID, TAXONOMY)
    expected, num = ndimage.label(labels, np.ones((3, 3, 3)))
    assert len(lesions) == num > 100
    assert len(np.unique(np.stack((pieces, expected)).reshape(2, -1), axis=1).T) == num + 1
    for lesion in lesions:
        at = np.argwhere(pieces == lesion.number)
        centre = GRID.matrix[:3, :3] @ at.mean(axis=0)[::-1] + GRID.matrix[:3, 3]
        assert (lesion.x_mm, lesion.y_mm, lesion.z_mm) == pytest.approx(tuple(centre))
        assert lesion.volume_mm3 == pytest.approx(len(at) * GRID.voxel_ml * 1000)


def test_an_empty_mask_has_no_lesions() -> None:
    pieces, lesions = find_lesions(empty(), empty(), GRID, TAXONOMY)
    assert lesions == ()
    assert not pieces.any()
    with pytest.raises(ValueError, match="shapes"):
        find_lesions(empty(), empty()[1:], GRID, TAXONOMY)
