"""Flows of a box onto itself: smooth, without folds, of the size that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from scalemai_core.synthesize.flow import Floats, Flow, Wave, draw_flow, volume_change

EXTENT_MM = np.array([200.0, 160.0, 240.0])
STILL = np.zeros(3)
GENTLE = (Wave(6.0, 40.0), Wave(1.5, 16.0))
WILD = (Wave(25.0, 40.0), Wave(6.0, 14.0))


def flow(seed: int, waves: tuple[Wave, ...] = GENTLE, turn_rad: Floats = STILL) -> Flow:
    return draw_flow(EXTENT_MM, turn_rad, waves, np.random.default_rng(seed))


def points(step_mm: float) -> Floats:
    axes = [np.arange(0.0, extent + 1e-9, step_mm) for extent in EXTENT_MM]
    return np.stack(np.meshgrid(*axes, indexing="ij"))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("waves", [GENTLE, WILD], ids=["gentle", "wild"])
def test_nothing_folds_however_wild_the_waves(seed: int, waves: tuple[Wave, ...]) -> None:
    turn_rad = np.radians([5.0, -8.0, 12.0])
    ends_mm = flow(seed, waves, turn_rad).carry(points(4.0))
    assert volume_change(ends_mm, (4.0, 4.0, 4.0)).min() > 0


@pytest.mark.parametrize("seed", range(4))
def test_the_box_stays_the_box(seed: int) -> None:
    starts_mm = points(8.0)
    ends_mm = flow(seed, WILD).carry(starts_mm)
    for axis, extent in enumerate(EXTENT_MM):
        assert ends_mm[axis].min() == pytest.approx(0.0, abs=1e-9)
        assert ends_mm[axis].max() == pytest.approx(extent, abs=1e-9)
        for face in (0, -1):
            moved_mm = np.moveaxis(ends_mm - starts_mm, axis + 1, 1)[:, face]
            np.testing.assert_allclose(moved_mm[axis], 0.0, atol=1e-9)
            across = [other for other in range(3) if other != axis]
            assert np.abs(moved_mm[across]).max() > 1.0, "along a face it moves freely"


@pytest.mark.parametrize("wave", [Wave(3.0, 40.0), Wave(2.0, 12.0)], ids=["slow", "fast"])
def test_waves_have_their_size(wave: Wave) -> None:
    inside = points(8.0)[:, 6:-6, 6:-6, 6:-6]
    moved_mm = np.stack([flow(seed, (wave,)).carry(inside) - inside for seed in range(12)])
    assert np.sqrt(np.mean(moved_mm**2)) == pytest.approx(wave.size_mm, rel=0.2)


def test_slow_waves_move_neighbours_together() -> None:
    start = np.array([[100.0, 120.0], [80.0, 80.0], [120.0, 120.0]])

    def apart_mm(wave: Wave) -> float:
        ends = [flow(seed, (wave,)).carry(start) - start for seed in range(12)]
        return float(np.mean([np.linalg.norm(end[:, 0] - end[:, 1]) for end in ends]))

    assert apart_mm(Wave(4.0, 60.0)) < 0.5 * apart_mm(Wave(4.0, 12.0))


@pytest.mark.parametrize("axis", range(3))
def test_a_turn_is_a_rotation_at_the_centre(axis: int) -> None:
    edges_mm = np.full(3, 200.0)
    turn_rad = np.zeros(3)
    turn_rad[axis] = np.radians(4.0)
    turn = draw_flow(edges_mm, turn_rad, (Wave(0.0, 20.0),), np.random.default_rng(0))
    centre = np.full(3, 100.0)
    for other in range(3):
        arm_mm = 10.0 * np.eye(3)[other]
        ends_mm = turn.carry(np.stack([centre, centre + arm_mm], axis=-1))
        moved_mm = ends_mm[:, 1] - ends_mm[:, 0]
        along = moved_mm @ arm_mm / 10.0
        angle = np.degrees(np.arccos(along / np.linalg.norm(moved_mm)))
        assert angle == pytest.approx(0.0 if other == axis else 4.0, abs=0.1)


def test_volume_change_is_the_determinant() -> None:
    matrix = np.array([[1.2, 0.1, 0.0], [0.0, 0.9, 0.2], [0.1, 0.0, 1.1]])
    mapped = np.einsum("ij,j...->i...", matrix, points(20.0))
    found = volume_change(mapped, (20.0, 20.0, 20.0))
    np.testing.assert_allclose(found, np.linalg.det(matrix), rtol=1e-9)
