"""What a round makes of candidates: by the annotation, the operating point, readers and reports."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_candidates import candidate
from made_up_comparisons import denied, lesion, named, row, words

from scalemai_core.judge.lesions.fate import judge_candidates
from scalemai_core.judge.lesions.scored import above_points, choose_points
from scalemai_core.judge.lesions.settle import NOT_FOUND
from scalemai_core.records.detection import Detection, DetectionKind
from scalemai_core.records.finding import Finding
from scalemai_core.records.operating_point import OperatingPoint
from scalemai_core.records.said import Said
from scalemai_core.records.scan import GoldRole
from scalemai_core.records.settlement import Fate, JudgedCandidate
from scalemai_core.settings.lesions import LesionSettings

SETTINGS = LesionSettings(report_audit_share=0.0)
LIVER, TUMOR, CYST = "liver_lesion", "kidney_tumor", "kidney_cyst"
LOOKED, HIT, MISSED = DetectionKind.LOOKED, DetectionKind.HIT, DetectionKind.MISSED
FALSE, NEUTRAL = DetectionKind.FALSE_POSITIVE, DetectionKind.NEUTRAL


def points_at(probability: float) -> dict[str, OperatingPoint]:
    """A point at that probability at every site."""
    kinds = {"liver": LIVER, "kidney": TUMOR, "pancreas": "pancreatic_pdac"}
    gold = [
        row(HIT, candidate("g", kind, probability), of=lesion(kind), gold=GoldRole.FIT, site=site)
        for site, kind in kinds.items()
    ]
    return choose_points(gold, kinds, SETTINGS)


POINTS = points_at(0.1)


def judged(
    rows: Sequence[Detection], *said: Said, read: Collection[str] = ()
) -> tuple[dict[str, JudgedCandidate], tuple[Finding, ...]]:
    sites = {one.site for one in rows}
    looked = [row(LOOKED, site=site) for site in sorted(sites)]
    found, findings = judge_candidates([*looked, *rows], POINTS, words(*said), read, SETTINGS)
    return {one.candidate_id: one for one in found}, findings


def fates(rows: Sequence[Detection], *said: Said, read: Collection[str] = ()) -> dict[str, Fate]:
    return {name: one.fate for name, one in judged(rows, *said, read=read)[0].items()}


def liver(name: str, probability: float = 0.5, number: int = 1) -> Detection:
    return row(FALSE, candidate(name, LIVER, probability, number=number))


def test_without_a_report_the_point_decides_who_is_looked_at() -> None:
    rows = [liver("at", 0.1), liver("above", 0.4), liver("below", 0.0999)]
    assert fates(rows) == {"at": Fate.REVIEW, "above": Fate.REVIEW, "below": Fate.BELOW}


@pytest.mark.parametrize("probability", [0.001, 0.9])
def test_what_the_annotation_has_needs_no_report_however_sure_the_model_is(
    probability: float,
) -> None:
    rows = [
        row(HIT, candidate("first", LIVER, probability), of=lesion(LIVER)),
        row(NEUTRAL, candidate("second", LIVER, probability)),
    ]
    found = fates(rows, denied(LIVER, "liver"))
    assert found == {"first": Fate.LABELLED, "second": Fate.LABELLED}


def test_reports_keep_and_delete_with_their_own_words() -> None:
    found, findings = judged([liver("a")], denied(LIVER, "liver"))
    assert found["a"].fate is Fate.DELETED
    assert found["a"].sentences == "No liver_lesion."
    assert not findings
    found, findings = judged([liver("a")], named(LIVER, "liver"))
    assert found["a"].fate is Fate.KEPT
    assert found["a"].sentences == "A liver_lesion."
    assert not findings


def test_what_is_below_the_point_neither_fits_a_report_nor_is_deleted_by_it() -> None:
    assert fates([liver("faint", 0.01)], denied(LIVER, "liver")) == {"faint": Fate.BELOW}
    found, (finding,) = judged([liver("faint", 0.01)], named(LIVER, "liver"))
    assert found["faint"].fate is Fate.BELOW
    assert (finding.rule, finding.structure) == (NOT_FOUND, LIVER)


def test_a_site_that_was_read_is_settled_and_nothing_is_missing_there() -> None:
    said = [named(LIVER, "liver", count=3), denied(TUMOR, "kidney_left")]
    cyst = row(FALSE, candidate("k", CYST, 0.5), site="kidney")
    found, findings = judged([liver("a"), liver("faint", 0.01), cyst], *said, read={"liver"})
    assert {name: one.fate for name, one in found.items()} == {
        "a": Fate.READ,
        "faint": Fate.BELOW,
        "k": Fate.REVIEW,
    }
    assert findings == ()


def test_of_sites_that_nobody_compared_nothing_is_missing() -> None:
    assert judged([liver("a")], named(TUMOR, "kidney_left"))[1] == ()
    kidney = row(FALSE, candidate("k", CYST, 0.01), site="kidney")
    (finding,) = judged([kidney], named(TUMOR, "kidney_left"))[1]
    assert finding.structure == TUMOR


def test_the_lesion_that_a_report_names_may_be_the_labelled_one() -> None:
    """Else the next best candidate would be taken for it."""
    known = row(HIT, candidate("known", LIVER, 0.2), of=lesion(LIVER))
    found, findings = judged([known, liver("other", 0.9)], named(LIVER, "liver"))
    assert found["known"].fate is Fate.LABELLED
    assert found["other"].fate is Fate.REVIEW
    assert not findings
    missed = row(MISSED, of=lesion(LIVER))
    assert fates([missed, liver("other", 0.9)], named(LIVER, "liver")) == {"other": Fate.REVIEW}


def test_with_the_labelled_one_found_a_report_that_counts_deletes_the_rest() -> None:
    known = row(MISSED, of=lesion(LIVER))
    single = named(LIVER, "liver", enumerated=True, final=True)
    assert fates([known, liver("other", 0.9)], single) == {"other": Fate.DELETED}


def test_one_labelled_and_one_found_are_two() -> None:
    known = row(MISSED, of=lesion(LIVER))
    found, findings = judged([known, liver("other")], named(LIVER, "liver", count=2))
    assert found["other"].fate is Fate.KEPT
    assert findings == ()
    _, (finding,) = judged([known], named(LIVER, "liver", count=2))
    assert (finding.value, finding.limit) == (1.0, 2.0)


def test_a_labelled_lesion_counts_for_the_kidney_that_it_lies_in() -> None:
    left = row(MISSED, of=lesion(TUMOR, place="kidney_left"), site="kidney")
    right = row(MISSED, of=lesion(TUMOR, place="kidney_right"), site="kidney")
    said = named(TUMOR, "kidney_right")
    assert judged([right], said)[1] == ()
    assert len(judged([left], said)[1]) == 1
    tail = row(MISSED, of=lesion("pancreatic_pdac", place="pancreas_tail"), site="pancreas")
    assert judged([tail], named("pancreatic_pdac", "pancreas"))[1] == ()


def test_deletions_of_probable_candidates_may_be_audited() -> None:
    every = LesionSettings(report_audit_share=1.0)
    rows = [row(LOOKED), liver("sure", 0.95), liver("faint", 0.5)]
    said = words(denied(LIVER, "liver"))
    found, _ = judge_candidates(rows, POINTS, said, (), every)
    assert {one.candidate_id: one.audit for one in found} == {"sure": True, "faint": False}
    assert {one.fate for one in found} == {Fate.DELETED}


ROWS = st.lists(
    st.tuples(
        st.sampled_from([HIT, FALSE, NEUTRAL, MISSED]),
        st.floats(0.001, 0.999),
        st.sampled_from([("liver", LIVER), ("kidney", TUMOR), ("kidney", CYST)]),
    ),
    max_size=8,
)
SAID = st.lists(
    st.sampled_from(
        [
            named(LIVER, "liver", count=2),
            named(LIVER, "liver", final=True),
            denied(LIVER, "liver"),
            denied(TUMOR, "kidney_left"),
            denied(CYST, "kidney_left"),
        ]
    ),
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(ROWS, SAID, st.sampled_from([(), ("liver",), ("kidney",)]), st.randoms())
def test_every_candidate_has_one_fate_whatever_the_order(
    made: list[tuple[DetectionKind, float, tuple[str, str]]],
    said: list[Said],
    read: tuple[str, ...],
    shuffled: random.Random,
) -> None:
    rows = [row(LOOKED), row(LOOKED, site="kidney")]
    for number, (kind, probability, (site, structure)) in enumerate(made, start=1):
        one = candidate(f"c{number}", structure, probability, number=number)
        real = lesion(structure, number=number) if kind in (HIT, MISSED) else None
        rows.append(row(kind, None if kind is MISSED else one, of=real, site=site))
    found, findings = judge_candidates(rows, POINTS, words(*said), read, SETTINGS)
    given_ids = {one.candidate.candidate_id for one in rows if one.candidate}
    assert [one.number for one in found] == sorted(one.number for one in found)
    assert {one.candidate_id for one in found} == given_ids
    assert len(found) == len(given_ids)
    of = {one.candidate.candidate_id: one for one in rows if one.candidate}
    for one in found:
        source = of[one.candidate_id]
        assert (one.fate is Fate.LABELLED) == (source.kind in (HIT, NEUTRAL))
        if one.fate in (Fate.KEPT, Fate.DELETED):
            assert one.sentences
        if one.fate in (Fate.KEPT, Fate.DELETED, Fate.REVIEW):
            assert above_points(source, POINTS)
            assert one.site not in read
    sites = {LIVER: "liver", TUMOR: "kidney", CYST: "kidney"}
    assert all(sites[finding.structure] not in read for finding in findings)
    shuffled.shuffle(rows)
    assert judge_candidates(rows, POINTS, words(*said), read, SETTINGS) == (found, findings)
