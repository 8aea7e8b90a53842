from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scalemai_core.measure.statistics import (
    bootstrap_by_patient,
    clopper_pearson,
    paired_difference,
)


def test_clopper_pearson_agrees_with_the_exact_binomial_test() -> None:
    successes, totals = np.array([0, 1, 7, 20]), np.array([20, 20, 20, 20])
    interval = clopper_pearson(successes, totals, level=0.9)
    for i, (k, n) in enumerate(zip(successes.tolist(), totals.tolist(), strict=True)):
        exact = stats.binomtest(k, n).proportion_ci(0.9, method="exact")
        assert interval.low[i] == pytest.approx(exact.low, abs=1e-12)
        assert interval.high[i] == pytest.approx(exact.high, abs=1e-12)
        assert interval.estimate[i] == k / n


def test_clopper_pearson_of_nothing_tried_says_nothing() -> None:
    interval = clopper_pearson(0, 0)
    assert np.isnan(interval.estimate)
    assert (float(interval.low), float(interval.high)) == (0.0, 1.0)


def test_clopper_pearson_refuses_more_successes_than_trials() -> None:
    with pytest.raises(ValueError, match="successes"):
        clopper_pearson(3, 2)


def test_bootstrap_keeps_all_scans_of_a_patient_together() -> None:
    values = np.array([0.0, 0.0, 0.0, 1.0])
    seen: set[tuple[float, ...]] = set()

    def mean(drawn: np.ndarray) -> float:
        seen.add(tuple(sorted(drawn.tolist())))
        return float(drawn.mean())

    interval = bootstrap_by_patient(
        values, ["a", "a", "a", "b"], mean, np.random.default_rng(0), num=200
    )
    assert seen == {(0.0,) * 6, (0.0, 0.0, 0.0, 1.0), (1.0, 1.0)}
    assert float(interval.estimate) == 0.25
    assert (float(interval.low), float(interval.high)) == (0.0, 1.0)


def test_bootstrap_covers_the_standard_error_of_a_mean() -> None:
    values = np.random.default_rng(1).normal(size=400)
    patients = [str(i) for i in range(400)]
    interval = bootstrap_by_patient(
        values, patients, lambda v: float(v.mean()), np.random.default_rng(2), num=1500
    )
    half = 1.96 * values.std() / 20
    assert float(interval.high - interval.low) == pytest.approx(2 * half, rel=0.1)


def test_bootstrap_is_the_same_for_the_same_generator() -> None:
    values, patients = np.arange(10.0), list("aabbccddee")
    one, two = (
        bootstrap_by_patient(
            values, patients, lambda v: float(np.median(v)), np.random.default_rng(7), num=50
        )
        for _ in range(2)
    )
    assert (one.low, one.high) == (two.low, two.high)


def test_bootstrap_refuses_a_patient_list_of_another_length() -> None:
    with pytest.raises(ValueError, match="a patient each"):
        bootstrap_by_patient(
            np.ones(3), ["a"], lambda v: float(v.mean()), np.random.default_rng(0), num=5
        )
    with pytest.raises(ValueError, match="nothing to resample"):
        bootstrap_by_patient(np.ones(0), [], np.mean, np.random.default_rng(0), num=5)


def test_paired_difference_equals_the_loop_over_resamples() -> None:
    rng = np.random.default_rng(4)
    new, old = rng.random((2, 12, 3))
    new[2, 0] = old[5, 1] = np.nan
    new[:, 2] = np.nan
    patients = list("aaabbcccddef")
    interval = paired_difference(new, old, patients, np.random.default_rng(9), num=300)
    drawn = np.random.default_rng(9).multinomial(6, np.full(6, 1 / 6), 300)
    rows = {p: [i for i, q in enumerate(patients) if q == p] for p in "abcdef"}
    means = []
    for times in drawn:
        index = [i for p, t in zip("abcdef", times, strict=True) for i in rows[p] * int(t)]
        means.append(np.nanmean((new - old)[index, :2], axis=0))
    assert interval.estimate[:2] == pytest.approx(np.nanmean((new - old)[:, :2], axis=0))
    assert interval.low[:2] == pytest.approx(np.nanquantile(means, 0.025, axis=0))
    assert interval.high[:2] == pytest.approx(np.nanquantile(means, 0.975, axis=0))
    assert np.isnan([interval.estimate[2], interval.low[2], interval.high[2]]).all()


def test_paired_difference_of_a_constant_gain_has_no_width() -> None:
    old = np.random.default_rng(0).random((6, 2))
    interval = paired_difference(old + 0.1, old, list("aabbcc"), np.random.default_rng(1), num=100)
    assert interval.low == pytest.approx(0.1)
    assert interval.high == pytest.approx(0.1)


def test_a_pool_is_the_mean_of_its_columns_in_every_resample() -> None:
    rng = np.random.default_rng(4)
    new, old = rng.normal(size=(2, 8, 3))
    new[:5, 2] = np.nan
    patients = list("aabbccdd")
    found = paired_difference(new, old, patients, np.random.default_rng(2), num=200, pools=[[0, 1]])
    both = np.nanmean((new - old)[:, :2], axis=1, keepdims=True)
    alone = paired_difference(
        both, np.zeros_like(both), patients, np.random.default_rng(2), num=200
    )
    np.testing.assert_allclose(
        [found.estimate[3], found.low[3], found.high[3]],
        [alone.estimate[0], alone.low[0], alone.high[0]],
    )
    wide = paired_difference(new, old, patients, np.random.default_rng(2), num=9, pools=[[0, 2]])
    assert wide.estimate[3] == pytest.approx((wide.estimate[0] + wide.estimate[2]) / 2)
