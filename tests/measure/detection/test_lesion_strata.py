"""Strata of lesions: their edges, their counts, and the curve they share."""

from __future__ import annotations

import numpy as np

from scalemai_core.measure.detection.froc import froc_curve
from scalemai_core.measure.detection.strata import (
    place_strata,
    size_strata,
    stratum_sensitivity,
    type_strata,
)
from scalemai_core.measure.detection.table import DetectionTable
from scalemai_core.measure.statistics import clopper_pearson
from scalemai_core.records.lesion import Lesion


def lesion(place: str, structure: str) -> Lesion:
    return Lesion(
        number=1, structure=structure, volume_mm3=1.0, diameter_mm=1.0, x_mm=0, y_mm=0, z_mm=0,
        place=place,
    )  # fmt: skip


def test_upper_ends_belong_to_the_smaller_stratum() -> None:
    strata = size_strata(np.array([0.5, 5.0, 5.1, 10.0, 20.0, 20.1, 40.0, 40.1]))
    assert {name: np.flatnonzero(members).tolist() for name, members in strata.items()} == {
        "<= 5 mm": [0, 1],
        "5-10 mm": [2, 3],
        "10-20 mm": [4],
        "20-40 mm": [5, 6],
        "> 40 mm": [7],
        "early": [0, 1, 2, 3, 4],
    }


def test_places_and_types_are_the_lesions_own() -> None:
    lesions = [lesion("pancreas_head", "pdac"), lesion("pancreas_tail", "pdac")]
    assert place_strata(lesions)["pancreas_tail"].tolist() == [False, True]
    assert type_strata(lesions)["pdac"].tolist() == [True, True]


def test_few_lesions_are_counted_but_not_estimated() -> None:
    confidence = np.array([0.9] * 6 + [0.3] * 3 + [0.0] * 10)
    early = np.arange(19) < 9
    found = stratum_sensitivity({"early": early, "late": ~early}, confidence, 0.5)
    assert (found["early"].num_lesions, found["early"].num_hits) == (9, 6)
    assert found["early"].sensitivity is None
    late = found["late"].sensitivity
    assert late is not None
    expected = clopper_pearson(0, 10)
    assert (late.estimate, late.low, late.high) == (0, expected.low, expected.high)


def test_no_threshold_finds_a_missed_lesion() -> None:
    everything = {"all": np.ones(12, dtype=np.bool_)}
    assert stratum_sensitivity(everything, np.zeros(12), 0.0)["all"].num_hits == 0


def test_a_stratum_shares_the_false_positives_of_all() -> None:
    table = DetectionTable(
        patients=("a", "b"),
        is_normal=np.array([False, True]),
        lesion_scan=np.array([0, 0]),
        lesion_confidence=np.array([0.9, 0.2]),
        false_positive_scan=np.array([0, 1]),
        false_positive_confidence=np.array([0.5, 0.3]),
    )
    stratum = froc_curve(table.with_lesions(np.array([False, True])))
    assert stratum.num_lesions == 1
    assert stratum.sensitivity_at([0.5, 1.0]).tolist() == [0.0, 1.0]
    assert stratum.num_scans == 2
