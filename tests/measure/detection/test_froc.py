"""FROC curves: against picai_eval, by hand, and what resampling does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_detections import SPACING, MadeUpScan, made_up_scans, picai_metrics

from scalemai_core.measure.detection.froc import (
    Scans,
    false_positives_interval,
    froc_curve,
    sensitivity_interval,
)
from scalemai_core.measure.detection.match import match
from scalemai_core.measure.detection.meeting import Meeting
from scalemai_core.measure.detection.resample import draw_patients
from scalemai_core.measure.detection.table import DetectionTable, ScanMatching
from scalemai_core.measure.statistics import Interval

PER_SCAN = np.array([0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 8.0, np.inf])


def table_of(scans: list[MadeUpScan]) -> DetectionTable:
    return DetectionTable.of_scans(
        [
            ScanMatching(
                f"patient {index // 2}",
                match(Meeting.of_arrays(scan.lesions_zyx, scan.candidates_zyx, SPACING)),
                scan.confidence,
            )
            for index, scan in enumerate(scans)
        ]
    )


def by_hand(**changes: object) -> DetectionTable:
    """Three lesions in two scans, two normal scans; one lesion is missed."""
    table = DetectionTable(
        patients=("a", "a", "b", "c"),
        is_normal=np.array([False, False, True, True]),
        lesion_scan=np.array([0, 0, 1]),
        lesion_confidence=np.array([0.9, 0.5, 0.0]),
        false_positive_scan=np.array([0, 2, 2]),
        false_positive_confidence=np.array([0.7, 0.5, 0.2]),
    )
    return replace(table, **changes)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("seed", range(6))
def test_the_curve_is_that_of_picai_eval(seed: int) -> None:
    scans = made_up_scans(seed, 40)
    curve, metrics = froc_curve(table_of(scans)), picai_metrics(scans)
    np.testing.assert_array_equal(curve.hits, metrics.lesion_TP)
    np.testing.assert_array_equal(curve.false_positives, metrics.lesion_FP)
    np.testing.assert_array_equal(curve.threshold, metrics.thresholds)
    tpr = metrics.lesion_TP.astype(np.float64) / metrics.num_lesions
    np.testing.assert_allclose(curve.sensitivity, tpr, rtol=0, atol=1e-9)
    np.testing.assert_allclose(curve.sensitivity, metrics.lesion_TPR, atol=1e-7)  # theirs float32
    for wanted in PER_SCAN:
        theirs = float(metrics.lesion_TPR_at_FPR(wanted))
        assert float(curve.sensitivity_at(wanted)) == pytest.approx(theirs, abs=1e-7)


def test_the_least_confident_point_stays_where_no_lesion_is_missed() -> None:
    # picai_eval puts the point at infinity in the place of the last one, whatever that is.
    found = by_hand(lesion_confidence=np.array([0.9, 0.5, 0.1]))
    curve = froc_curve(found)
    assert curve.threshold.tolist() == [0.9, 0.7, 0.5, 0.2, 0.1, 0.0]
    assert curve.sensitivity[-2:].tolist() == [1.0, 1.0]
    assert curve.false_positives_at(1.0) == 0.75


def test_scans_without_anything_add_to_the_denominator() -> None:
    curve, normal = froc_curve(by_hand()), froc_curve(by_hand(), Scans.NORMAL)
    assert curve.hits.tolist() == [1, 1, 2, 2, 2]
    assert curve.false_positives_per_scan.tolist() == [0, 0.25, 0.5, 0.75, np.inf]
    assert normal.false_positives_per_scan.tolist() == [0, 0.5, 1.0, np.inf]
    np.testing.assert_allclose(curve.sensitivity_at([0.49, 0.5, 9]), [1 / 3, 2 / 3, 2 / 3])
    np.testing.assert_allclose(normal.sensitivity_at([0.49, 0.5]), [1 / 3, 2 / 3])
    assert curve.false_positives_at([0.3, 0.6, 0.7]).tolist() == [0.0, 0.5, np.inf]
    assert curve.threshold_at([0.0, 0.3, np.inf]).tolist() == [0.9, 0.7, 0.0]


def test_numbers_that_nothing_supports_are_not_a_number() -> None:
    none = np.zeros(0)
    nothing = by_hand(lesion_scan=none.astype(np.int64), lesion_confidence=none)
    curve = froc_curve(nothing)
    assert np.isnan(curve.sensitivity_at(1.0))
    assert np.isnan(curve.false_positives_at(0.5))
    no_normals = by_hand(is_normal=np.zeros(4, dtype=np.bool_))
    assert np.isnan(froc_curve(no_normals, Scans.NORMAL).sensitivity_at(1.0))
    silent = by_hand(
        lesion_confidence=np.zeros(3),
        false_positive_scan=none.astype(np.int64),
        false_positive_confidence=none,
    )
    assert froc_curve(silent).sensitivity.tolist() == [0, 0]
    assert froc_curve(silent).false_positives_per_scan.tolist() == [0, np.inf]
    assert froc_curve(silent).false_positives_at(0.1) == np.inf


def test_a_confidence_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        by_hand(false_positive_confidence=np.array([0.7, 0.5, 0.0]))
    scan = next(scan for scan in made_up_scans(0, 40) if scan.lesions_zyx.any())
    silent = MadeUpScan(
        scan.lesions_zyx, scan.lesions_zyx, dict.fromkeys(range(1, 1 + scan.lesions_zyx.max()), 0.0)
    )
    with pytest.raises(ValueError, match="above 0"):
        table_of([silent])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1), st.sampled_from(Scans))
def test_another_false_positive_never_helps(seed: int, confidence: float, over: Scans) -> None:
    rng = np.random.default_rng(seed)
    table = random_table(rng)
    scan = int(rng.integers(len(table.patients)))
    more = replace(
        table,
        false_positive_scan=np.append(table.false_positive_scan, scan),
        false_positive_confidence=np.append(table.false_positive_confidence, confidence),
    )
    before, after = (froc_curve(rows, over) for rows in (table, more))
    assert np.all(after.sensitivity_at(PER_SCAN) <= before.sensitivity_at(PER_SCAN))
    wanted = np.linspace(0, 1, 7)
    assert np.all(after.false_positives_at(wanted) >= before.false_positives_at(wanted))


def random_table(rng: np.random.Generator, num_scans: int = 24) -> DetectionTable:
    is_normal = np.arange(num_scans) % 2 == 0
    scores = np.round(rng.random(30), 1)
    return DetectionTable(
        patients=tuple(f"{index // 3}" for index in range(num_scans)),
        is_normal=is_normal,
        lesion_scan=rng.choice(np.flatnonzero(~is_normal), 30),
        lesion_confidence=scores,
        false_positive_scan=rng.integers(num_scans, size=40),
        false_positive_confidence=np.round(rng.random(40), 1) + 0.01,
    )


def repeated(table: DetectionTable, times: np.ndarray) -> DetectionTable:
    """The table with each patient's scans as often as drawn, the slow way."""
    names = sorted(set(table.patients))
    copies = [times[names.index(patient)] for patient in table.patients]
    scans = np.repeat(np.arange(len(copies)), copies)
    lesions = [np.flatnonzero(table.lesion_scan == scan) for scan in scans]
    wrong = [np.flatnonzero(table.false_positive_scan == scan) for scan in scans]
    return DetectionTable(
        patients=tuple(table.patients[scan] for scan in scans),
        is_normal=table.is_normal[scans],
        lesion_scan=np.repeat(np.arange(len(scans)), [len(rows) for rows in lesions]),
        lesion_confidence=table.lesion_confidence[np.concatenate(lesions)],
        false_positive_scan=np.repeat(np.arange(len(scans)), [len(rows) for rows in wrong]),
        false_positive_confidence=table.false_positive_confidence[np.concatenate(wrong)],
    )


@pytest.mark.parametrize("over", Scans)
def test_intervals_are_those_of_curves_of_resampled_tables(over: Scans) -> None:
    table, wanted = random_table(np.random.default_rng(5)), np.array([1.0, 0.2, 3.0])
    sensitivities = np.array([0.9, 0.3])
    draws = np.concatenate(list(draw_patients(8, np.random.default_rng(1), 200)))
    curves = [froc_curve(repeated(table, times), over) for times in draws]
    for drawn, interval in (
        (
            np.array([curve.sensitivity_at(wanted) for curve in curves]),
            sensitivity_interval(table, wanted, np.random.default_rng(1), num=200, over=over),
        ),
        (
            np.array([curve.false_positives_at(sensitivities) for curve in curves]),
            false_positives_interval(
                table, sensitivities, np.random.default_rng(1), num=200, over=over
            ),
        ),
    ):
        outer = (np.nanquantile(drawn, q, axis=0, method=m) for q, m in OUTER)
        for bound, expected in zip((interval.low, interval.high), outer, strict=True):
            np.testing.assert_allclose(bound, expected, atol=1e-12)
        assert np.all(interval.low <= interval.estimate)
        assert np.all(interval.estimate <= interval.high)


OUTER = ((0.025, "lower"), (0.975, "higher"))


@pytest.mark.parametrize("ask", [sensitivity_interval, false_positives_interval])
def test_a_single_number_has_scalar_bounds(ask: Callable[..., Interval]) -> None:
    interval = ask(random_table(np.random.default_rng(2)), 0.5, np.random.default_rng(0), num=50)
    assert interval.low.shape == interval.estimate.shape == interval.high.shape == ()


def test_a_sensitivity_that_resamples_do_not_reach_has_an_infinite_bound() -> None:
    interval = false_positives_interval(by_hand(), 0.6, np.random.default_rng(0), num=100)
    assert np.isfinite(interval.low)
    assert interval.high >= 0.5
    out_of_reach = false_positives_interval(by_hand(), 0.7, np.random.default_rng(0), num=100)
    assert np.isinf(out_of_reach.high)
