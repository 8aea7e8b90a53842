"""The simulation of a stage: equal to the closed form where there is one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalemai_core.forecast.simulate import Crew, Load, simulate

FLOATS = st.lists(st.floats(0.1, 50.0), min_size=1, max_size=20)


def load(seconds: list[float], mib: list[float], reading: float = 0.0) -> Load:
    return Load(
        seconds=np.array(seconds),
        reading=np.full(len(seconds), reading),
        mib=np.array(mib),
    )


def crew(workers: int, mib_s: float = 100.0, readers: float = 1.0) -> Crew:
    return Crew(workers=workers, device="GPUs", readers=readers, mib_s=mib_s)


def test_computing_alone_divides_by_the_workers() -> None:
    assert simulate(load([10.0] * 12, [0.0] * 12), crew(4)) == (pytest.approx(30.0), "GPUs")


def test_a_slow_store_is_what_all_wait_for() -> None:
    seconds, limit = simulate(load([1.0] * 12, [600.0] * 12), crew(4))
    assert seconds == pytest.approx(72.0)
    assert limit == "store"


def test_reading_and_computing_overlap() -> None:
    assert simulate(load([10.0], [500.0]), crew(1))[0] == pytest.approx(10.0)
    assert simulate(load([2.0], [500.0]), crew(1))[0] == pytest.approx(5.0)


def test_too_few_readers_hold_the_gpus_up() -> None:
    seconds, limit = simulate(load([1.0] * 8, [0.0] * 8, reading=12.0), crew(2, readers=3.0))
    assert (seconds, limit) == (pytest.approx(16.0), "readers")


def test_one_long_shard_is_a_tail() -> None:
    assert simulate(load([1.0] * 7 + [100.0], [0.0] * 8), crew(8))[1] == "last shards"


@settings(max_examples=60, deadline=None)
@given(FLOATS, st.integers(1, 6), st.floats(0.0, 300.0))
def test_no_schedule_beats_its_resources_or_takes_longer_than_one_worker(
    seconds: list[float], workers: int, mib: float
) -> None:
    work = load(seconds, [mib] * len(seconds))
    took, _ = simulate(work, crew(workers))
    alone = sum(max(one, mib / 100.0) for one in seconds)
    assert took >= max(max(seconds), sum(seconds) / workers, len(seconds) * mib / 100.0) - 1e-6
    assert took <= alone + 1e-6
