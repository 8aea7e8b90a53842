"""Surface distances against brute force, structure by structure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from scipy.spatial import cKDTree

from scalemai_core.measure.surface import compare_surfaces
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.runs import Runs

TAXONOMY = load_taxonomy()
UNIONS = TAXONOMY.unions
PANCREAS, HEAD, BODY = (
    TAXONOMY[name].id for name in ("pancreas", "pancreas_head", "pancreas_body")
)
LIVER = TAXONOMY["liver"].id
SPACING = (3.0, 0.8, 1.1)


def brute(a: np.ndarray, b: np.ndarray, tolerance_mm: float) -> tuple[float, float, float]:
    def surface(mask: np.ndarray) -> np.ndarray:
        inner = ndimage.binary_erosion(mask, border_value=0)
        return np.argwhere(mask & ~inner) * np.array(SPACING)

    one, other = surface(a), surface(b)
    there, back = cKDTree(other).query(one)[0], cKDTree(one).query(other)[0]
    both = np.concatenate([there, back])
    hd95 = max(np.percentile(there, 95), np.percentile(back, 95))
    return float(both.mean()), float(hd95), float((both <= tolerance_mm).mean())


masks = arrays(np.uint8, (5, 9, 8), elements=st.sampled_from([0, 0, LIVER, HEAD, BODY, PANCREAS]))


@settings(max_examples=40, deadline=None)
@given(a=masks, b=masks)
def test_every_structure_is_measured_as_if_it_were_alone(a: np.ndarray, b: np.ndarray) -> None:
    table = compare_surfaces(Runs.of(a), Runs.of(b), SPACING, UNIONS, tolerance_mm=2.0)
    for structure in (LIVER, HEAD, BODY, PANCREAS):
        mine, other = (np.isin(one, np.flatnonzero(UNIONS[structure])) for one in (a, b))
        found = table.mean_mm[structure], table.hd95_mm[structure], table.dice[structure]
        if mine.any() and other.any():
            assert found == pytest.approx(brute(mine, other, 2.0))
        else:
            assert np.isnan(found).all()


def test_masks_far_apart_are_measured_exactly() -> None:
    a, b = np.zeros((2, 4, 60, 60), dtype=np.uint8)
    a[1, 5:8, 5:8] = LIVER
    b[1, 50:53, 50:53] = LIVER
    table = compare_surfaces(Runs.of(a), Runs.of(b), SPACING, UNIONS)
    assert table.hd95_mm[LIVER] == pytest.approx(brute(a == LIVER, b == LIVER, 2.0)[1])
    assert table.dice[LIVER] == 0.0


def test_equal_masks_touch_everywhere() -> None:
    a = np.zeros((4, 6, 6), dtype=np.uint8)
    a[1:3, 1:5, 1:5] = LIVER
    table = compare_surfaces(Runs.of(a), Runs.of(a), SPACING, UNIONS)
    assert (table.mean_mm[LIVER], table.hd95_mm[LIVER], table.dice[LIVER]) == (0.0, 0.0, 1.0)
