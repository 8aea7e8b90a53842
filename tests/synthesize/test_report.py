"""Reports of phantoms: true of the lesions, but for what the settings allow."""

from __future__ import annotations

import re

import numpy as np
import pytest

from scalemai_core.records.scan import CaseInfo, Sex
from scalemai_core.synthesize import wording
from scalemai_core.synthesize.lesions import ATTENUATIONS, PaintedLesion
from scalemai_core.synthesize.report import ReportSettings, write_report

INFO = CaseInfo(patient="p", sex=Sex.FEMALE, age_years=61, phase="venous", centre="c")
PLAIN = ReportSettings(hedged=0, silent=0, limited=0, overlooked=0)
SEEDS = range(40)
DENIALS = {organ: set(words) for organ, words in wording.DENIED.items()}


def lesion(structure: str, place: str, diameter_mm: float) -> PaintedLesion:
    organ = "pancreas" if place.startswith("pancreas") else place
    return PaintedLesion(structure, organ, place, ATTENUATIONS[structure][0], diameter_mm)


def findings(lesions: list[PaintedLesion], settings: ReportSettings, seed: int) -> str:
    report = write_report(INFO, lesions, np.random.default_rng(seed), settings)
    return report.split("FINDINGS:")[1].split("IMPRESSION:")[0]


def denies(text: str, organ: str) -> bool:
    words = DENIALS[organ]
    if organ.startswith("kidney"):
        words = words | set(wording.DENIED_BOTH_KIDNEYS)
    return any(word in text for word in words)


def test_the_same_generator_writes_the_same_text() -> None:
    lesions = [lesion("liver_lesion", "liver", 12.0)]
    texts = {
        write_report(INFO, lesions, np.random.default_rng(4), ReportSettings()) for _ in range(2)
    }
    assert len(texts) == 1
    others = {
        write_report(INFO, lesions, np.random.default_rng(s), ReportSettings()) for s in SEEDS
    }
    assert len(others) > 30


def test_a_report_has_its_sections_in_order() -> None:
    report = write_report(INFO, [], np.random.default_rng(0), PLAIN)
    titles = re.findall(r"^([A-Z ]+):", report, flags=re.MULTILINE)
    assert titles == ["CLINICAL HISTORY", "TECHNIQUE", "COMPARISON", "FINDINGS", "IMPRESSION"]
    assert "61-year-old female" in report
    assert "portal venous" in report


@pytest.mark.parametrize("seed", SEEDS)
def test_without_lesions_every_organ_is_denied_in_so_many_words(seed: int) -> None:
    text = findings([], PLAIN, seed)
    assert all(denies(text, organ) for organ in wording.ORGANS)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_organ_with_a_lesion_is_not_denied_and_its_size_is_told(seed: int) -> None:
    lesions = [lesion("kidney_cyst", "kidney_left", 20.0)]
    text = findings(lesions, PLAIN, seed)
    assert not denies(text, "kidney_left")
    assert denies(text, "kidney_right")
    assert "in the left kidney" in text
    (size, unit) = re.findall(r"(\d+(?:\.\d)?)(?: x [\d.]+)? (mm|cm)", text)[0]
    assert 18.0 <= float(size) * (10.0 if unit == "cm" else 1.0) <= 22.5


@pytest.mark.parametrize("seed", SEEDS)
def test_two_of_a_kind_are_counted_and_many_are_multiple(seed: int) -> None:
    few = [lesion("liver_lesion", "liver", mm) for mm in (12.0, 30.0)]
    assert re.search(r"\b[Tt]wo ", findings(few, PLAIN, seed))
    many = [lesion("liver_lesion", "liver", 8.0 + mm) for mm in range(7)]
    assert re.search(r"Multiple|several", findings(many, PLAIN, seed))


def test_only_the_single_lesion_of_an_organ_is_called_single() -> None:
    two = [lesion("liver_lesion", "liver", 12.0), lesion("kidney_cyst", "kidney_left", 9.0)]
    alone = [re.search("Solitary|single", findings(two, PLAIN, seed)) for seed in SEEDS]
    assert any(alone)
    same = [
        lesion("pancreatic_pdac", "pancreas_tail", 12.0),
        lesion("pancreatic_cyst", "pancreas_head", 9.0),
    ]
    for seed in SEEDS:
        assert not re.search("Solitary|single", findings(same, PLAIN, seed))


def test_doubt_and_silence_come_as_often_as_set() -> None:
    doubtful = PLAIN.model_copy(update={"hedged": 1.0})
    words = re.compile("too small|Possible|Questionable|cannot be excluded")
    cyst = [lesion("liver_lesion", "liver", 12.0)]
    assert all(words.search(findings(cyst, doubtful, seed)) for seed in SEEDS)
    assert not any(words.search(findings(cyst, PLAIN, seed)) for seed in SEEDS)
    for changes in ({"silent": 1.0}, {"limited": 1.0}):
        settings = PLAIN.model_copy(update=changes)
        for seed in SEEDS:
            text = findings([], settings, seed)
            assert not any(denies(text, organ) for organ in wording.ORGANS)


def test_what_is_overlooked_is_the_organ_of_small_lesions_in_silence_or_by_denial() -> None:
    lesions = [lesion("liver_lesion", "liver", 30.0), lesion("pancreatic_cyst", "pancreas_head", 5)]
    silent = PLAIN.model_copy(update={"overlooked": 1.0})
    denied = PLAIN.model_copy(update={"denied": 1.0})
    for seed in SEEDS:
        quiet, wrong = findings(lesions, silent, seed), findings(lesions, denied, seed)
        assert "pancreatic head" not in quiet
        assert not denies(quiet, "pancreas")
        assert denies(wrong, "pancreas")
        assert not denies(quiet, "liver")
        assert not denies(wrong, "liver")


def test_every_kind_of_lesion_has_words() -> None:
    for structure, looks in ATTENUATIONS.items():
        assert all((structure, look) in wording.NOUNS for look in looks)
        assert structure in wording.CONCLUSIONS
