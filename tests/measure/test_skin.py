"""Surface Dice by area: against the package that defined it, and where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import surface_distance
from scipy import ndimage

from scalemai_core.measure.cell import CORNERS, cell_areas
from scalemai_core.measure.score import MaskScore, score_masks
from scalemai_core.measure.skin import surface_dice
from scalemai_core.records.label_map import Layer
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.taxonomy.tolerances import load_tolerances

TAXONOMY = load_taxonomy()
UNIONS = TAXONOMY.unions
LIVER, SPLEEN, PANCREAS, HEAD, TAIL = (
    TAXONOMY[name].id for name in ("liver", "spleen", "pancreas", "pancreas_head", "pancreas_tail")
)
SPACINGS = [(1.0, 1.0, 1.0), (2.5, 0.8, 0.8), (5.0, 0.7, 0.9)]


def blob(
    rng: np.random.Generator, radius_mm: float, spacing: tuple[float, float, float]
) -> np.ndarray:
    """A ball with a wavy surface in the middle of 40 x 56 x 56 voxels."""
    shape = (40, 56, 56)
    noise = ndimage.gaussian_filter(rng.normal(size=shape), 2.5)
    axes = zip(np.indices(shape, dtype=float), shape, spacing, strict=True)
    away = np.sqrt(sum(((at - n / 2) * step) ** 2 for at, n, step in axes))
    return away + 1.5 * noise / noise.std() < radius_mm


def theirs(a: np.ndarray, b: np.ndarray, spacing: tuple[float, ...], tolerance_mm: float) -> float:
    found = surface_distance.compute_surface_distances(a, b, spacing)
    return surface_distance.compute_surface_dice_at_tolerance(found, tolerance_mm)


def nsd(a: np.ndarray, b: np.ndarray, spacing: tuple[float, float, float], mm: float) -> np.ndarray:
    return surface_dice(a, b, spacing, UNIONS, np.full(len(UNIONS), mm))


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("radius_mm", [4.0, 12.0])
@pytest.mark.parametrize("tolerance_mm", [1.0, 2.0])
def test_it_is_what_the_surface_distance_package_says(
    spacing: tuple[float, float, float], radius_mm: float, tolerance_mm: float
) -> None:
    rng = np.random.default_rng(int(radius_mm))
    maps = np.zeros((2, 40, 56, 56), dtype=np.uint8)
    masks = [blob(rng, radius_mm, spacing) for _ in maps]
    for labels, mask in zip(maps, masks, strict=True):
        labels[mask] = LIVER
    # Not equal: the package triangulates some polygons, and cells of two pieces, otherwise.
    expected = theirs(masks[0], masks[1], spacing, tolerance_mm)
    assert 0.2 < expected < 1.0
    assert nsd(*maps, spacing, tolerance_mm)[LIVER] == pytest.approx(expected, abs=0.005)


def test_structures_and_parents_are_measured_as_if_they_were_alone() -> None:
    rng = np.random.default_rng(1)
    spacing = (2.0, 1.0, 1.0)
    maps = np.zeros((2, 40, 56, 56), dtype=np.uint8)
    for labels in maps:
        labels[blob(rng, 14.0, spacing)] = HEAD
        labels[:, :, 28:][labels[:, :, 28:] > 0] = TAIL
        labels[25:38, 3:9, 4:14] = SPLEEN
        labels[25:38, 9:12, 4:14] = LIVER
    found = nsd(*maps, spacing, 1.0)
    for structure in (HEAD, TAIL, SPLEEN, LIVER, PANCREAS):
        one, other = (np.isin(labels, np.flatnonzero(UNIONS[structure])) for labels in maps)
        assert found[structure] == pytest.approx(theirs(one, other, spacing, 1.0), abs=0.005)
    assert np.isnan(found[TAXONOMY["colon"].id])


def test_the_order_of_the_two_maps_does_not_matter_and_the_volumes_border_is_a_surface() -> None:
    a, b = np.zeros((2, 6, 8, 8), dtype=np.uint8)
    a[:3] = LIVER
    b[:5] = LIVER
    spacing = (2.0, 1.0, 1.0)
    there, back = nsd(a, b, spacing, 1.0)[LIVER], nsd(b, a, spacing, 1.0)[LIVER]
    assert there == back
    assert there == pytest.approx(theirs(a > 0, b > 0, spacing, 1.0), abs=0.005)


def test_a_shift_within_the_tolerance_is_none_and_one_beyond_it_shows() -> None:
    a, b = np.zeros((2, 20, 20, 20), dtype=np.uint8)
    a[5:15, 5:15, 5:15] = LIVER
    b[5:15, 5:15, 7:17] = LIVER
    assert nsd(a, b, (1.0, 1.0, 1.0), 2.0)[LIVER] == 1.0
    assert nsd(a, b, (1.0, 1.0, 1.0), 1.9)[LIVER] < 0.9


def test_one_empty_mask_is_0_two_are_nothing_and_grids_must_match() -> None:
    a, b = np.zeros((2, 4, 4, 4), dtype=np.uint8)
    assert np.isnan(nsd(a, b, (1.0, 1.0, 1.0), 1.0)).all()
    a[1, 1, 1] = LIVER
    found = nsd(a, b, (1.0, 1.0, 1.0), 1.0)
    assert found[LIVER] == 0.0
    assert np.isnan(found[SPLEEN])
    with pytest.raises(ValueError, match="no common grid"):
        nsd(a, b[:3], (1.0, 1.0, 1.0), 1.0)


def test_cells_know_the_area_within_them() -> None:
    areas = cell_areas((3.0, 2.0, 1.0))
    assert areas[0] == areas[255] == 0.0
    upper = sum(1 << k for k, (z, _, _) in enumerate(CORNERS) if z)
    assert areas[upper] == areas[255 - upper] == pytest.approx(2.0 * 1.0)
    single = 0.5 * np.linalg.norm(np.cross([1.5, -1.0, 0.0], [1.5, 0.0, -0.5]))
    assert areas[1] == pytest.approx(single)
    assert areas[1 | 128] == pytest.approx(2 * single)


def test_a_balls_cells_add_up_to_its_surface() -> None:
    at = np.indices((44, 44, 44), dtype=float) - 21.5
    inside = (np.sqrt((at**2).sum(axis=0)) < 18).astype(int)
    code = sum(
        inside[z : 43 + z, y : 43 + y, x : 43 + x] << k for k, (z, y, x) in enumerate(CORNERS)
    )
    assert cell_areas((1.0, 1.0, 1.0))[code].sum() == pytest.approx(4 * np.pi * 18**2, rel=0.1)


def test_scores_tell_a_missed_structure_from_one_that_is_not_there() -> None:
    true, seen = np.zeros((2, 6, 6, 6), dtype=np.uint8)
    true[1:5, 1:5, 1:5] = LIVER
    seen[0:2, 0:2, 0:2] = SPLEEN
    spacing = (2.0, 1.0, 1.0)
    tables = TAXONOMY, load_tolerances()
    found = score_masks({Layer.ANATOMY: true}, {Layer.ANATOMY: seen}, spacing, *tables)
    assert found["liver"] == MaskScore(dice=0.0, nsd=0.0, false_positive=False)
    assert found["spleen"] == MaskScore(dice=None, nsd=None, false_positive=True)
    assert found["aorta"] == MaskScore(dice=None, nsd=None, false_positive=False)
    without = score_masks({Layer.ANATOMY: true}, {}, spacing, *tables)
    assert without["liver"].nsd == 0.0
    same = score_masks({Layer.ANATOMY: true}, {Layer.ANATOMY: true}, spacing, *tables)
    assert (same["liver"].dice, same["liver"].nsd) == (1.0, 1.0)
