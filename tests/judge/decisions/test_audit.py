"""The audit: an exact bound, a fair draw, a size that fits the wanted width."""

from __future__ import annotations

from collections import Counter
from math import comb

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalemai_core.judge.decisions.audit import (
    audit,
    audit_size,
    draw_audit,
    upper_bound,
)
from scalemai_core.measure.statistics import clopper_pearson
from scalemai_core.settings.judgement import DecideSettings


def changes(*sizes: int) -> pl.DataFrame:
    strata = [f"stratum {i}" for i, size in enumerate(sizes) for _ in range(size)]
    names = [f"{i:05d}" for i in range(len(strata))]
    return pl.DataFrame({"scan_id": names, "structure": "liver", "stratum": strata})


def chance(population: int, wrong: int, audited: int, errors: int) -> float:
    """That a sample shows at most so many errors, by counting."""
    ways = [comb(wrong, k) * comb(population - wrong, audited - k) for k in range(errors + 1)]
    return sum(ways) / comb(population, audited)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_bound_is_the_largest_share_that_the_sample_allows(data: st.DataObject) -> None:
    population = data.draw(st.integers(1, 80))
    audited = data.draw(st.integers(1, population))
    errors = data.draw(st.integers(0, audited))
    wrong = round(upper_bound(errors, audited, population) * population)
    assert wrong >= errors
    assert wrong == errors or chance(population, wrong, audited, errors) > 0.05
    if wrong < population - (audited - errors):
        assert chance(population, wrong + 1, audited, errors) <= 0.05


def test_a_large_population_gives_clopper_and_pearsons_bound() -> None:
    exact = float(clopper_pearson(3, 200, level=0.9).high)
    assert upper_bound(3, 200, 2_000_000) == pytest.approx(exact, abs=1e-4)


def test_having_seen_all_leaves_no_doubt() -> None:
    assert upper_bound(2, 50, 50) == 2 / 50


def test_nothing_seen_proves_nothing() -> None:
    found = audit(0, 0, 100)
    assert (found.upper_bound, found.width) == (None, None)
    with pytest.raises(ValueError, match="errors <= audited"):
        upper_bound(3, 2, 10)


@pytest.mark.parametrize("population", [0, 10, 300, 20_000])
def test_the_sample_is_as_large_as_the_wanted_width_needs(population: int) -> None:
    wanted = DecideSettings(audit_width=0.03, audit_error=0.01)
    size = audit_size(population, wanted)
    assert size <= population
    if size:
        errors = round(0.01 * size)
        assert upper_bound(errors, size, population) - errors / size <= 0.03


def test_every_mask_has_the_same_chance_and_strata_their_share() -> None:
    table = changes(10, 70, 20)
    seen: Counter[str] = Counter()
    for seed in range(400):
        drawn = draw_audit(table, 20, seed)
        assert drawn["scan_id"].n_unique() == 20
        counts = drawn["stratum"].value_counts().sort("stratum")["count"].to_list()
        assert np.abs(np.array(counts) - [2, 14, 4]).max() <= 1
        seen.update(drawn["scan_id"])
    expected, deviation = 80, np.sqrt(400 * 0.2 * 0.8)
    assert max(abs(seen[name] - expected) for name in table["scan_id"]) < 5 * deviation


def test_the_draw_depends_on_the_seed_alone() -> None:
    table = changes(5, 25)
    shuffled = table.sample(fraction=1, shuffle=True, seed=9)
    assert draw_audit(table, 6, 4).equals(draw_audit(shuffled, 6, 4))
    assert draw_audit(table, 100, 4).height == 30
    assert draw_audit(table, 0, 4).height == 0
