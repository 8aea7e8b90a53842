from __future__ import annotations

import math

import numpy as np
import pytest

from scalemai_core.judge.lesions.operating_point import ScoredScan, choose_point, least_patients
from scalemai_core.settings.lesions import LesionSettings

MISSED = -math.inf


def scan(patient: str, *lesions: float, false: tuple[float, ...] = ()) -> ScoredScan:
    return ScoredScan(patient=patient, lesions=lesions, false_positives=false)


def at_target(target: float) -> LesionSettings:
    return LesionSettings(target_sensitivity=target)


def test_the_threshold_is_the_highest_that_the_bound_allows() -> None:
    scans = [scan(str(i), float(i)) for i in range(19)]
    # (19 R + 1) / 20 <= 0.2 allows three of nineteen to be lost.
    point = choose_point("liver", scans, at_target(0.8))
    assert point.log_odds == 3.0
    assert point.reached
    assert point.guaranteed_sensitivity == pytest.approx(0.8)
    assert point.sensitivity == pytest.approx(16 / 19)
    assert point.probability == pytest.approx(1 / (1 + math.exp(-3)))


def test_a_patient_counts_once_however_many_lesions_and_scans_there_are() -> None:
    many = [scan("many", *([-5.0] * 25)), scan("many", *([-5.0] * 25))]
    others = [scan(str(i), 2.0) for i in range(18)]
    point = choose_point("liver", [*many, *others], at_target(0.9))
    assert (point.patients, point.lesions) == (19, 68)
    assert point.log_odds == 2.0  # one of 19 may be lost whole
    assert point.sensitivity == pytest.approx(18 / 68)


def test_99_percent_takes_99_patients() -> None:
    assert least_patients(0.99) == 99
    assert least_patients(0.9) == 9
    assert least_patients(0.8) == 4
    enough = choose_point("liver", [scan(str(i), 1.0) for i in range(99)], at_target(0.99))
    assert enough.reached
    assert enough.guaranteed_sensitivity == pytest.approx(0.99)
    few = choose_point("liver", [scan(str(i), 1.0 + i) for i in range(98)], at_target(0.99))
    assert not few.reached
    assert few.log_odds == 1.0
    assert few.guaranteed_sensitivity == pytest.approx(1 - 1 / 99)
    assert "it takes 99" in few.reason


def test_what_the_model_never_finds_is_said_in_words() -> None:
    scans = [scan(str(i), float(i), 5.0) for i in range(8)] + [scan("missed", MISSED)]
    point = choose_point("liver", scans, at_target(0.85))
    assert not point.reached
    assert point.log_odds == 0.0
    assert point.guaranteed_sensitivity == pytest.approx(1 - (1 + 1) / 10)
    assert point.reason.startswith("0.85 is out of reach")
    assert "16 of 17 lesions in 9 patients" in point.reason
    assert choose_point("liver", scans, at_target(0.8)).reached


@pytest.mark.parametrize("scans", [[], [scan("a"), scan("b", false=(-3.0,))], [scan("a", MISSED)]])
def test_without_a_found_lesion_everything_above_the_floor_is_looked_at(
    scans: list[ScoredScan],
) -> None:
    point = choose_point("liver", scans, LesionSettings())
    assert point.probability == pytest.approx(1e-4)
    assert point.guaranteed_sensitivity == 0.0
    assert not point.reached


def test_false_positives_are_counted_on_all_and_on_normal_scans() -> None:
    scans = [
        scan("a", 2.0, false=(3.0, 1.0)),
        scan("b", 2.0, false=(2.0,)),
        scan("c", false=(5.0, 4.0, 0.0)),
        scan("d"),
    ]
    point = choose_point("liver", scans, LesionSettings())
    assert point.log_odds == 2.0
    assert point.false_positives_per_scan == pytest.approx(4 / 4)
    assert point.false_positives_per_normal_scan == pytest.approx(2 / 2)
    assert (
        choose_point("liver", scans[:2], LesionSettings()).false_positives_per_normal_scan is None
    )


def population(rng: np.random.Generator, num: int) -> list[ScoredScan]:
    """Patients whose lesions are alike: their confidences hang together."""
    hard = rng.normal(0.0, 2.0, num)
    return [
        scan(str(i), *(float(v) for v in rng.normal(hard[i], 1.0, rng.integers(1, 6))))
        for i in range(num)
    ]


def lost(scans: list[ScoredScan], threshold: float) -> list[float]:
    return [float(np.mean([v < threshold for v in scan.lesions])) for scan in scans]


@pytest.mark.parametrize(("num", "target"), [(12, 0.9), (40, 0.8), (60, 0.95)])
def test_new_patients_lose_no_more_than_promised(num: int, target: float) -> None:
    rng = np.random.default_rng(num)
    means = []
    for _ in range(1000):
        point = choose_point("liver", population(rng, num), at_target(target))
        assert point.reached
        means.append(np.mean(lost(population(rng, 4), point.log_odds)))
    error = 3.0 * np.std(means) / math.sqrt(len(means))
    assert np.mean(means) <= 1.0 - target + error
    assert np.mean(means) >= 1.0 - target - 2.0 / (num + 1) - error
