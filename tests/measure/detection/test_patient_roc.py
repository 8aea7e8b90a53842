"""Patients told apart: AUC, its intervals, curves and average precision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_detections import SPACING, MadeUpScan, made_up_scans, picai_metrics
from sklearn import metrics

from scalemai_core.measure.detection.match import Role, match
from scalemai_core.measure.detection.meeting import Meeting
from scalemai_core.measure.detection.resample import draw_patients
from scalemai_core.measure.detection.roc import (
    PatientScores,
    auc,
    auc_by_patient,
    auc_delong,
    average_precision,
    roc_band,
    roc_curve,
)


def random_scores(rng: np.random.Generator, num: int = 60, shift: float = 0.2) -> PatientScores:
    is_positive = rng.random(num) < 0.4
    is_positive[:2] = True, False
    return PatientScores(np.round(rng.random(num) + shift * is_positive, 1), is_positive)


def scan_scores(scans: list[MadeUpScan]) -> PatientScores:
    return PatientScores.of_scans(
        [str(index) for index in range(len(scans))],
        [max(scan.confidence.values(), default=0.0) for scan in scans],
        [bool(scan.lesions_zyx.any()) for scan in scans],
    )


@pytest.mark.parametrize("seed", range(6))
def test_area_and_average_precision_are_those_of_picai_eval(seed: int) -> None:
    scans = made_up_scans(seed, 40)
    theirs = picai_metrics(scans)
    assert auc(scan_scores(scans)) == pytest.approx(theirs.auroc, abs=1e-9)
    found, wrong = list[float](), list[float]()
    for scan in scans:
        outcome = match(Meeting.of_arrays(scan.lesions_zyx, scan.candidates_zyx, SPACING))
        for number in outcome.candidate_of.values():
            found.append(0.0 if number is None else scan.confidence[number])
        for number, role in outcome.role_of.items():
            if role is Role.FALSE_POSITIVE:
                wrong.append(scan.confidence[number])
    ours = average_precision(np.array(found), np.array(wrong))
    assert ours == pytest.approx(theirs.AP, abs=1e-9)


def test_average_precision_gives_nothing_for_missed_lesions() -> None:
    assert average_precision(np.zeros(3), np.array([0.5])) == 0.0
    assert average_precision(np.array([0.9, 0.0]), np.zeros(0)) == 0.5
    assert average_precision(np.array([0.9, 0.4]), np.array([0.5])) == pytest.approx(5 / 6)
    assert np.isnan(average_precision(np.zeros(0), np.array([0.5])))


def test_a_patient_has_the_highest_score_of_all_scans() -> None:
    scores = PatientScores.of_scans(["b", "a", "b"], [0.1, 0.3, 0.7], [True, False, False])
    assert scores.score.tolist() == [0.3, 0.7]
    assert scores.is_positive.tolist() == [False, True]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_area_and_curve_are_those_of_scikit_learn(seed: int) -> None:
    scores = random_scores(np.random.default_rng(seed))
    assert auc(scores) == pytest.approx(
        metrics.roc_auc_score(scores.is_positive, scores.score), abs=1e-12
    )
    false, sensitivity, threshold = metrics.roc_curve(
        scores.is_positive, scores.score, drop_intermediate=False
    )
    curve = roc_curve(scores)
    np.testing.assert_allclose(curve.false_positive_rate, false)
    np.testing.assert_allclose(curve.sensitivity, sensitivity)
    np.testing.assert_allclose(curve.threshold, threshold)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_delong_is_the_variance_of_pairwise_wins(seed: int) -> None:
    scores = random_scores(np.random.default_rng(seed))
    positive, negative = (scores.score[side] for side in (scores.is_positive, ~scores.is_positive))
    if min(len(positive), len(negative)) < 2:
        return
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    by_positive, by_negative = wins.mean(axis=1), wins.mean(axis=0)
    variance = by_positive.var(ddof=1) / len(positive) + by_negative.var(ddof=1) / len(negative)
    interval = auc_delong(scores)
    reach = 1.959963984540054 * np.sqrt(variance)
    assert float(interval.estimate) == pytest.approx(wins.mean())
    assert float(interval.low) == pytest.approx(max(wins.mean() - reach, 0.0))
    assert float(interval.high) == pytest.approx(min(wins.mean() + reach, 1.0))


def test_delong_covers_the_true_area_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    truth = 0.7602499389  # of two normal distributions one standard deviation apart
    covered = 0
    for _ in range(400):
        is_positive = np.arange(120) < 50
        interval = auc_delong(PatientScores(rng.normal(size=120) + is_positive, is_positive))
        covered += bool(interval.low <= truth <= interval.high)
    assert 0.91 < covered / 400 < 0.98


def test_a_class_that_is_missing_leaves_nothing_to_say() -> None:
    alone = PatientScores(np.array([0.1, 0.4]), np.array([True, True]))
    assert np.isnan(auc(alone))
    assert np.isnan(auc_delong(alone).low)
    assert np.isnan(auc_by_patient(alone, np.random.default_rng(0), num=20).high)


def test_the_bootstrap_is_that_of_repeated_patients() -> None:
    scores = random_scores(np.random.default_rng(8), 25)
    rates = np.array([0.7, 0.0, 0.33, 1.0])
    draws = np.concatenate(list(draw_patients(25, np.random.default_rng(4), 150)))
    areas, bands = list[float](), list[np.ndarray]()
    for times in draws:
        drawn = PatientScores(np.repeat(scores.score, times), np.repeat(scores.is_positive, times))
        curve = roc_curve(drawn)
        areas.append(auc(drawn))
        # A hair to the right, where the curve has passed its steps upwards.
        bands.append(np.interp(rates + 1e-12, curve.false_positive_rate, curve.sensitivity))
    interval = auc_by_patient(scores, np.random.default_rng(4), num=150)
    band = roc_band(scores, rates, np.random.default_rng(4), num=150)
    for level, method, area, pointwise in (
        (0.025, "lower", interval.low, band.low),
        (0.975, "higher", interval.high, band.high),
    ):
        np.testing.assert_allclose(area, np.quantile(areas, level, method=method))
        np.testing.assert_allclose(
            pointwise, np.quantile(bands, level, axis=0, method=method), atol=1e-9
        )
    assert float(interval.estimate) == auc(scores)
    assert np.all((band.low <= band.estimate) & (band.estimate <= band.high))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_patients_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = random_scores(rng)
    order = rng.permutation(len(scores.score))
    shuffled = PatientScores(scores.score[order], scores.is_positive[order])
    assert auc(shuffled) == pytest.approx(auc(scores), abs=1e-12)
    assert float(auc_delong(shuffled).low) == pytest.approx(float(auc_delong(scores).low))
