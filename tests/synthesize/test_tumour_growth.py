"""The automaton: its rules one at a time, its randomness, its calibration."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scalemai_core.errors import UsageError
from scalemai_core.synthesize.tumour.calibration import DIAMETERS_MM, STEPS, expected_steps
from scalemai_core.synthesize.tumour.growth import (
    BARRIER,
    CHANCES,
    CORE,
    FIRM,
    FULL,
    HARD,
    SOFT,
    WALL,
    YIELDS_AT,
    Growth,
)
from scalemai_core.synthesize.tumour.necrosis import dead_cells

Levels = NDArray[np.uint8]


def tissue(level: int, size: int = 9) -> Levels:
    return np.full((size, size, size), level, np.uint8)


def middle(levels_zyx: Levels) -> NDArray[np.intp]:
    return np.array([[size // 2 for size in levels_zyx.shape]])


def begin(levels_zyx: Levels, seed: int = 0) -> Growth:
    return Growth(levels_zyx, middle(levels_zyx), seed)


def mixed(seed: int, size: int = 25) -> Levels:
    """Every level, and barriers as sheets and as specks."""
    rng = np.random.default_rng(seed)
    levels_zyx = rng.choice([SOFT, FIRM, HARD, BARRIER], (size,) * 3, p=(0.5, 0.3, 0.15, 0.05))
    levels_zyx[size // 2 + 4] = BARRIER
    levels_zyx[:, 0] = WALL
    levels_zyx[tuple(middle(levels_zyx)[0])] = SOFT
    return levels_zyx.astype(np.uint8)


def test_a_population_grows_by_one_a_step_and_ends_at_the_full() -> None:
    levels_zyx = tissue(WALL)
    levels_zyx[4, 4, 4] = SOFT
    growth = begin(levels_zyx)
    populations = []
    for _ in range(8):
        populations.append(int(growth.state_zyx[4, 4, 4]))
        growth.grow(1)
    assert populations == [CORE, 6, 7, 8, 9, FULL, FULL, FULL]
    assert growth.num_cells == 1


def test_a_young_cell_does_not_invade() -> None:
    growth = begin(tissue(SOFT))
    growth.grow(1)
    assert growth.num_cells == 2  # the core, and the neighbour it entered
    growth.grow(1)
    newest = growth.state_zyx.copy()
    newest[4, 4, 4] = 0
    assert newest.max() < CORE
    assert growth.num_cells <= 3  # only the core can have entered another


def test_a_cell_enters_at_most_one_of_its_26_neighbours_a_step() -> None:
    entered: set[tuple[int, ...]] = set()
    for seed in range(400):
        growth = begin(tissue(SOFT, 5), seed)
        growth.grow(1)
        state_zyx = growth.state_zyx
        state_zyx[2, 2, 2] = 0
        (place,) = np.argwhere(state_zyx)
        assert state_zyx.max() == 1
        entered.add(tuple(place.tolist()))
    assert len(entered) == 26


@pytest.mark.parametrize(("level", "chance"), list(enumerate(CHANCES)))
def test_harder_tissue_is_entered_more_seldom(level: int, chance: float) -> None:
    number = 3000
    entered = 0
    for seed in range(number):
        growth = begin(tissue(level, 3), seed)
        growth.grow(1)
        entered += growth.num_cells - 1
    expected = 1.0 - (1.0 - chance) ** 3
    tolerance = 4.0 * np.sqrt(expected * (1.0 - expected) / number) + 1e-9
    assert entered / number == pytest.approx(expected, abs=tolerance)


def test_legacy_chances_ignore_how_hard_tissue_is() -> None:
    legacy = [Growth(tissue(level), middle(tissue(0)), 3, (1.0, 1.0, 1.0)) for level in (0, 1, 2)]
    for growth in legacy:
        growth.grow(15)
    np.testing.assert_array_equal(legacy[0].state_zyx, legacy[1].state_zyx)
    np.testing.assert_array_equal(legacy[0].state_zyx, legacy[2].state_zyx)


def test_a_wall_is_never_entered_and_never_yields() -> None:
    levels_zyx = tissue(SOFT, 11)
    levels_zyx[6:] = WALL
    growth = begin(levels_zyx)
    growth.grow(100)
    state_zyx = growth.state_zyx
    assert state_zyx[6:].max() == 0
    assert state_zyx[:6].min() == FULL


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_barrier_is_never_passed_without_three_attempts(seed: int) -> None:
    levels_zyx = mixed(seed)
    growth = Growth(levels_zyx, middle(levels_zyx), seed)
    barrier = levels_zyx == BARRIER
    for _ in range(12):
        before = growth.pressure_zyx
        growth.grow(5)
        entered = barrier & (growth.state_zyx > 0)
        assert (growth.pressure_zyx[entered] >= YIELDS_AT).all()
        assert (growth.pressure_zyx >= before).all()
    assert (growth.pressure_zyx[~barrier] == 0).all()


def test_only_full_cells_press_and_a_barrier_does_yield_in_the_end() -> None:
    levels_zyx = tissue(BARRIER)
    levels_zyx[4, 4, 4] = SOFT
    growth = begin(levels_zyx)
    growth.grow(FULL - CORE)
    assert growth.pressure_zyx.max() == 0
    growth.grow(60)
    assert growth.num_cells > 1


def test_a_tumour_does_not_begin_in_a_barrier_or_outside() -> None:
    for level in (BARRIER, WALL):
        with pytest.raises(UsageError, match="can be invaded"):
            begin(tissue(level))


def test_the_same_seed_gives_the_same_cells_whoever_runs_beside_it() -> None:
    levels_zyx = mixed(5, 41)

    def grown(seed: int) -> bytes:
        growth = Growth(levels_zyx, middle(levels_zyx), seed)
        growth.grow(45)
        return growth.state_zyx.tobytes()

    alone = [grown(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(grown, range(4))) == alone
    assert len(set(alone)) == 4


def test_growth_in_pieces_is_the_same_growth_and_never_shrinks() -> None:
    levels_zyx = mixed(1, 41)
    whole = begin(levels_zyx)
    whole.grow(50)
    pieces = begin(levels_zyx)
    before = pieces.state_zyx
    for steps in (1, 4, 15, 30):
        pieces.grow(steps)
        assert (pieces.state_zyx >= before).all()
        before = pieces.state_zyx
        assert pieces.num_cells == np.count_nonzero(before)
    np.testing.assert_array_equal(before, whole.state_zyx)


def test_growth_stops_with_the_step_that_reaches_the_wanted_volume() -> None:
    growth, before = begin(tissue(SOFT, 41)), 0
    growth.grow(200, enough_cells=500)
    assert growth.num_cells >= 500
    again = begin(tissue(SOFT, 41))
    again.grow(growth.num_steps - 1)
    before = again.num_cells
    assert before < 500
    growth.grow(200, enough_cells=400)
    assert growth.num_steps == again.num_steps + 1


def test_diameters_are_those_of_the_reference() -> None:
    tolerance = 0.15
    for level, chance in enumerate(CHANCES):
        size = 81 if level == SOFT else 61
        found_mm = np.zeros(len(STEPS))
        seeds = range(3)
        for seed in seeds:
            growth = begin(tissue(level, size), seed)
            for index, step in enumerate(STEPS):
                growth.grow(step - growth.num_steps)
                found_mm[index] += np.cbrt(6.0 * growth.num_cells / np.pi) / len(seeds)
        free = np.array(DIAMETERS_MM[chance]) < size - 12  # later it reaches the box
        ratio = found_mm[free] / np.array(DIAMETERS_MM[chance])[free]
        assert np.abs(ratio - 1.0).max() <= tolerance
        assert free.sum() >= 6


def test_expected_steps_read_the_calibration_backwards() -> None:
    for chance, diameters_mm in DIAMETERS_MM.items():
        steps = [expected_steps(diameter_mm, chance) for diameter_mm in diameters_mm]
        assert steps == list(STEPS)
    assert expected_steps(30.0, 1.0) < expected_steps(30.0, 0.5) < expected_steps(30.0, 0.2)
    assert expected_steps(100.0) > 200
    assert expected_steps(10.0, 0.0) == expected_steps(10.0, 0.1)


def test_death_takes_full_cells_around_the_core_and_spreads_with_age() -> None:
    growth = begin(tissue(SOFT, 61), 2)
    growth.grow(90)
    state_zyx, core = growth.state_zyx, middle(tissue(SOFT, 61))
    young, old = (dead_cells(state_zyx, core, age, seed=2) for age in (30, 90))
    for dead_zyx in (young, old):
        assert dead_zyx[tuple(core[0])]
        assert (state_zyx[dead_zyx] == FULL).all()
    assert 20 < young.sum() < old.sum() < 0.5 * np.count_nonzero(state_zyx)
    np.testing.assert_array_equal(old, dead_cells(state_zyx, core, 90, seed=2))
    assert (old != dead_cells(state_zyx, core, 90, seed=3)).any()
