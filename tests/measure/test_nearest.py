"""Nearest targets slice by slice against a tree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import KDTree

from scalemai_core.measure.nearest import nearest_mm

SPACING = (2.5, 0.7, 1.1)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.integers(1, 40))
def test_the_distance_is_that_of_the_nearest_target(seed: int, targets: int, places: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 12)), int(rng.integers(1, 20)), int(rng.integers(1, 20)))
    there = np.unique(rng.integers(0, np.prod(shape), targets))
    here = rng.integers(0, np.prod(shape), places)
    points_mm, targets_mm = (
        np.stack(np.unravel_index(flat, shape), axis=1) * np.array(SPACING)
        for flat in (here, there)
    )
    expected = KDTree(targets_mm).query(points_mm)[0]
    assert nearest_mm(here, there, shape, SPACING) == pytest.approx(expected)


def test_a_lone_target_far_away_is_found() -> None:
    shape = (40, 50, 60)
    here, there = np.array([0]), np.array([40 * 50 * 60 - 1])
    corner = np.linalg.norm(np.array([39, 49, 59]) * SPACING)
    assert nearest_mm(here, there, shape, SPACING)[0] == pytest.approx(corner)
