from __future__ import annotations

import pytest
from made_up_candidates import candidate

from scalemai_core.judge.lesions.diagnosis import NONE, confusion, diagnose
from scalemai_core.taxonomy.site import lesion_sites
from scalemai_core.taxonomy.taxonomy import load_taxonomy

PANCREAS = next(site for site in lesion_sites(load_taxonomy()) if site.name == "pancreas")
PATIENTS = {"venous": "a", "arterial": "a", "b1": "b", "c1": "c"}


def test_a_patient_has_what_the_most_probable_candidate_of_any_scan_is() -> None:
    candidates = [
        candidate("1", "pancreatic_pdac", 0.6, scan_id="venous"),
        candidate("2", "pancreatic_pdac", 0.5, scan_id="venous"),
        candidate("3", "pancreatic_pnet", 0.7, scan_id="arterial"),
        candidate("4", "liver_lesion", 0.99, scan_id="c1"),
        candidate("5", "pancreatic_cyst", 0.04, scan_id="b1"),
    ]
    said = diagnose(candidates, PATIENTS, PANCREAS, log_odds=-3.0)
    assert said == {"a": "pancreatic_pnet", "b": NONE, "c": NONE}
    assert diagnose(candidates, PATIENTS, PANCREAS, log_odds=-4.0)["b"] == "pancreatic_cyst"


def test_of_equally_probable_kinds_the_first_is_taken_in_any_order() -> None:
    candidates = [
        candidate("1", "pancreatic_pnet", 0.6, scan_id="b1"),
        candidate("2", "pancreatic_cyst", 0.6, scan_id="b1"),
    ]
    for some in (candidates, candidates[::-1]):
        assert diagnose(some, PATIENTS, PANCREAS, 0.0)["b"] == "pancreatic_cyst"


def test_accuracy_is_counted_over_all_and_over_patients_with_a_lesion() -> None:
    pdac, cyst = "pancreatic_pdac", "pancreatic_cyst"
    truth = {"1": pdac, "2": pdac, "3": cyst, "4": cyst, "5": NONE, "6": NONE, "7": NONE, "8": NONE}
    said = truth | {"2": cyst, "4": NONE, "8": pdac}
    found = confusion(said, truth, PANCREAS)
    assert found.accuracy == pytest.approx(5 / 8)
    assert found.accuracy_of_lesions == pytest.approx(2 / 4)
    at = {name: i for i, name in enumerate(found.classes)}
    assert found.counts[at[pdac], at[cyst]] == 1
    assert found.counts[at[NONE], at[pdac]] == 1
    assert found.counts.sum() == 8


def test_nobody_and_other_patients_have_no_accuracy() -> None:
    assert confusion({}, {}, PANCREAS).accuracy is None
    assert confusion({"a": NONE}, {"a": NONE}, PANCREAS).accuracy_of_lesions is None
    with pytest.raises(ValueError, match="different patients"):
        confusion({"a": NONE}, {"b": NONE}, PANCREAS)
