"""What is kept of a model's lesion probabilities: what lies near the organs they grow in."""

from __future__ import annotations

import numpy as np
import pytest

from scalemai_core.records.grid import Grid
from scalemai_core.volume.lesion_odds import LesionOdds

SPACING_XYZ = (2.0, 2.0, 5.0)


def everywhere(shape: tuple[int, int, int]) -> LesionOdds:
    codes_zyx = np.full(shape, 100, dtype=np.uint8)
    grid = Grid.of(shape, np.diag([*SPACING_XYZ, 1.0]))
    return LesionOdds(codes_zyx, np.full(shape, 85, dtype=np.uint8), grid)


@pytest.mark.parametrize(("reach_mm", "slices", "columns"), [(0.0, 0, 0), (4.0, 1, 2), (10, 2, 5)])
def test_only_what_lies_near_a_host_is_kept_in_mm(
    reach_mm: float, slices: int, columns: int
) -> None:
    odds = everywhere((11, 21, 21))
    hosts_zyx = np.zeros((11, 21, 21), dtype=np.bool_)
    hosts_zyx[5, 10, 10] = True
    near = odds.near(hosts_zyx, reach_mm)
    expected = np.zeros_like(hosts_zyx)
    expected[5 - slices : 6 + slices, 10 - columns : 11 + columns, 10 - columns : 11 + columns] = (
        True
    )
    np.testing.assert_array_equal(near.codes_zyx > 0, expected)
    np.testing.assert_array_equal(near.types_zyx > 0, expected)
    assert near.grid == odds.grid


def test_hosts_may_lie_on_a_finer_grid_over_the_same_box() -> None:
    odds = everywhere((4, 4, 4))
    hosts_zyx = np.zeros((12, 8, 8), dtype=np.bool_)
    hosts_zyx[:6] = True
    near = odds.near(hosts_zyx, 0.0)
    assert (near.codes_zyx[:2] > 0).all()
    assert not near.codes_zyx[2:].any()


def test_without_a_host_nothing_is_kept() -> None:
    odds = everywhere((3, 3, 3))
    assert not odds.near(np.zeros((3, 3, 3), dtype=np.bool_), 50.0).codes_zyx.any()
