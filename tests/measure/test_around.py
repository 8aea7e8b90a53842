"""Nearest drawn voxels close by, against all distances written out."""

from __future__ import annotations

import numpy as np
import pytest

from scalemai_core.measure.around import NEAR_MM, draw, find_around, no_bits, rows_around


@pytest.mark.parametrize("spacing_mm", [(1.5, 0.75, 0.75), (5.0, 1.0, 2.5), (3.0, 2.0, 0.1)])
@pytest.mark.parametrize("share", [0.002, 0.1])
def test_distances_within_reach_are_exact(
    spacing_mm: tuple[float, float, float], share: float
) -> None:
    rng = np.random.default_rng(4)
    shape = (9, 13, 70)
    places, targets = (np.flatnonzero(rng.random(np.prod(shape)) < part) for part in (0.05, share))
    drawn, found_mm = no_bits(shape), np.full(len(places), np.nan)
    draw(drawn, targets)
    around = rows_around(spacing_mm)
    find_around(drawn, places, shape, spacing_mm[2], around, found_mm)
    draw(drawn, targets)
    assert not drawn.any()
    here, there = (np.stack(np.unravel_index(one, shape), axis=1) for one in (places, targets))
    apart_mm = np.linalg.norm((here[:, None] - there) * np.array(spacing_mm), axis=2).min(axis=1)
    assert around[2] == min(NEAR_MM, 31 * spacing_mm[2])
    near = apart_mm <= around[2]
    assert near.any()
    np.testing.assert_allclose(found_mm[near], apart_mm[near])
    assert np.isnan(found_mm[~near]).all()
