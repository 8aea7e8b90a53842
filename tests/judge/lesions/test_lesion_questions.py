"""Which candidates people get to see, and what becomes of the annotations of lesions."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_candidates import candidate
from made_up_comparisons import denied, named, words

from scalemai_core.judge.lesions.ask import (
    ACTIONS,
    QUESTIONS,
    ask_candidates,
    ask_unfound,
    draw_actions,
    site_actions,
    with_lesions,
)
from scalemai_core.judge.lesions.fate import FATES, fate_table
from scalemai_core.records.annotation import State
from scalemai_core.records.finding import Finding, Severity
from scalemai_core.records.said import Said
from scalemai_core.records.settlement import Fate, JudgedCandidate
from scalemai_core.records.statement import Presence
from scalemai_core.settings.lesions import LesionSettings
from scalemai_core.taxonomy.site import lesion_sites
from scalemai_core.taxonomy.taxonomy import load_taxonomy

SETTINGS = LesionSettings()
SITES = {site.name: site for site in lesion_sites(load_taxonomy())}
PDAC, CYST, PNET, ANY = "pancreatic_pdac", "pancreatic_cyst", "pancreatic_pnet", "pancreatic_lesion"
LIVER, TUMOR, KIDNEY_CYST = "liver_lesion", "kidney_tumor", "kidney_cyst"
PRESENT, ABSENT, UNKNOWN = State.PRESENT, State.ABSENT, State.UNKNOWN
LARGE = 1e5
NOBODY: list[JudgedCandidate] = []


def judged(
    name: str, structure: str, probability: float = 0.5, fate: Fate = Fate.REVIEW, **more: Any
) -> JudgedCandidate:
    own = {key: more.pop(key) for key in ("sentences", "audit") if key in more}
    one = candidate(name, structure, probability, **more)
    return JudgedCandidate(**one.model_dump(), fate=fate, reason=f"why {name}", **own)


def test_the_table_of_fates_has_every_column_of_its_records() -> None:
    assert set(FATES) == set(JudgedCandidate.model_fields)
    one = judged("a", LIVER, sentences="Words.", audit=True)
    (row,) = fate_table([one]).to_dicts()
    assert JudgedCandidate.model_validate(row) == one
    assert fate_table(NOBODY).schema == FATES


def asked(masks: int, *candidates: JudgedCandidate) -> list[str]:
    found = ask_candidates(fate_table(candidates), masks, SETTINGS)
    assert found.schema == QUESTIONS
    return found["candidate_id"].to_list()


def test_only_open_candidates_and_audits_are_shown() -> None:
    fates = [judged(fate.value, LIVER, fate=fate, scan_id=fate.value) for fate in Fate]
    audit = judged("audit", LIVER, 0.95, Fate.DELETED, audit=True, scan_id="audited")
    assert asked(99, *fates, audit) == ["audit", "review"]


def test_a_question_says_why_and_takes_no_longer_than_a_key() -> None:
    audit = judged("a", LIVER, 0.95, Fate.DELETED, audit=True, scan_id="s")
    questions = ask_candidates(fate_table([audit, judged("b", LIVER, scan_id="t")]), 9, SETTINGS)
    assert questions["reason"].to_list() == ["why a", "why b"], "an audit is blind"
    assert set(questions["seconds"]) == {SETTINGS.seconds_false_positive}
    assert set(questions["kind"]) == {"lesion"}
    assert set(questions["rival"]) == {"prediction"}
    assert questions["rival_map"].null_count() == 2


def test_audits_come_first_then_what_is_undecided_and_small() -> None:
    ones = [
        judged("sure", LIVER, 0.99, volume_mm3=LARGE, scan_id="1"),
        judged("undecided", LIVER, 0.5, volume_mm3=LARGE, scan_id="2"),
        judged("small", LIVER, 0.5, scan_id="3"),
        judged("audit", LIVER, 0.97, Fate.DELETED, audit=True, volume_mm3=LARGE, scan_id="4"),
    ]
    assert asked(9, *ones) == ["audit", "small", "undecided", "sure"]
    assert asked(2, *ones) == ["audit", "small"]


def test_a_site_is_asked_about_as_a_whole_or_not_at_all() -> None:
    both = [judged("p", PDAC, 0.5), judged("c", CYST, 0.001, volume_mm3=LARGE)]
    assert asked(2, *both) == ["p", "c"]
    assert asked(1, *both) == [], "the pancreas would open two masks"
    more = [judged(f"p{i}", PDAC, 0.1) for i in range(5)]
    assert len(asked(2, *both, *more)) == 7, "candidates of one kind open one mask"


def test_without_a_budget_or_candidates_nobody_is_asked() -> None:
    assert asked(0, judged("a", LIVER)) == []
    assert asked(9) == []
    assert asked(9, judged("a", LIVER, fate=Fate.BELOW)) == []


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["s", "t", "u"]),
            st.sampled_from([PDAC, CYST, PNET, LIVER, TUMOR, KIDNEY_CYST]),
            st.floats(0.001, 0.999),
            st.sampled_from([Fate.REVIEW, Fate.DELETED, Fate.KEPT, Fate.BELOW]),
            st.booleans(),
        ),
        max_size=14,
    ),
    st.integers(0, 8),
    st.randoms(),
)
def test_the_budget_holds_by_site_in_an_order_of_its_own(
    made: list[tuple[str, str, float, Fate, bool]], masks: int, shuffled: random.Random
) -> None:
    ones = [
        judged(
            f"c{i}", kind, p, fate, scan_id=scan, audit=drawn and fate is Fate.DELETED, number=i + 1
        )
        for i, (scan, kind, p, fate, drawn) in enumerate(made)
    ]
    questions = ask_candidates(fate_table(ones), masks, SETTINGS)
    assert questions.unique(["scan_id", "structure"]).height <= masks
    shown = set(questions["candidate_id"])
    wanted = [one for one in ones if one.fate is Fate.REVIEW or one.audit]
    assert shown <= {one.candidate_id for one in wanted}
    places = {(one.scan_id, one.site) for one in wanted}
    for place in places:
        own = {one.candidate_id for one in wanted if (one.scan_id, one.site) == place}
        assert own <= shown or not own & shown
    assert questions["priority"].is_sorted(descending=True)
    shuffled.shuffle(ones)
    assert ask_candidates(fate_table(ones), masks, SETTINGS).equals(questions)


def missing(structure: str, message: str = "names 1, 0 found") -> Finding:
    return Finding(
        rule="reported_not_found",
        structure=structure,
        severity=Severity.DOUBT,
        value=0.0,
        limit=1.0,
        unit="lesions",
        message=message,
    )


def test_a_mask_that_lacks_lesions_is_asked_about_once() -> None:
    found = [
        ("t", missing(LIVER)),
        ("s", missing(TUMOR, "right")),
        ("s", missing(TUMOR, "left")),
    ]
    questions = ask_unfound(found, SETTINGS)
    assert questions.schema == QUESTIONS
    assert questions.select("scan_id", "structure", "reason").rows() == [
        ("s", TUMOR, "left; right"),
        ("t", LIVER, "names 1, 0 found"),
    ]
    assert set(questions["kind"]) == {"edit"}
    assert set(questions["seconds"]) == {SETTINGS.seconds_draw}
    assert questions["candidate_id"].null_count() == 2
    assert ask_unfound(reversed(found), SETTINGS).equals(questions)  # type: ignore[arg-type]
    candidates = ask_candidates(
        fate_table([judged("a", LIVER, 0.95, Fate.DELETED, audit=True)]), 9, SETTINGS
    )
    assert questions["priority"].min() > candidates["priority"].max()  # type: ignore[operator]


def test_masks_that_lack_lesions_teach_nothing_until_they_are_drawn() -> None:
    questions = ask_unfound([(name, missing(LIVER)) for name in "abc"], SETTINGS)
    actions = draw_actions(questions, 2)
    assert actions.schema == ACTIONS
    assert actions["lesion_action"].to_list() == ["review", "review", "hold"]
    assert set(actions["lesion_otherwise"]) == {"hold"}
    assert draw_actions(questions.clear(), 0).height == 0
    assert draw_actions(questions.clear(), 0).schema == ACTIONS


def done(
    site: str,
    states: dict[str, State],
    *candidates: JudgedCandidate,
    said: tuple[Said, ...] = (),
    shown: tuple[str, ...] = (),
    lacking: bool = False,
) -> dict[str, tuple[str, str]]:
    """What is done to each structure, and else."""
    rows = site_actions(SITES[site], states, candidates, shown, words(*said), lacking=lacking)
    assert pl.DataFrame([{"scan_id": "s", **one} for one in rows], schema=ACTIONS).height == len(
        {str(one["structure"]) for one in rows}
    )
    return {
        str(one["structure"]): (str(one["lesion_action"]), str(one["lesion_otherwise"]))
        for one in rows
    }


def kept(name: str, structure: str, probability: float = 0.5) -> JudgedCandidate:
    sentence = f"A {structure}."
    return judged(name, structure, probability, Fate.KEPT, sentences=sentence)


NO_LIVER = denied(LIVER, "liver")


def test_a_report_fills_what_is_unknown() -> None:
    rows = site_actions(
        SITES["liver"],
        {LIVER: UNKNOWN},
        [kept("a", LIVER, 0.4), kept("b", LIVER, 0.8)],
        (),
        {},
        lacking=False,
    )
    assert rows == [
        {
            "structure": LIVER,
            "lesion_action": "impute",
            "lesion_otherwise": "impute",
            "lesion_reason": 'the report names it: "A liver_lesion."',
            "lesion_quality": pytest.approx(0.6),
        }
    ]


@pytest.mark.parametrize("state", [PRESENT, ABSENT])
def test_what_is_known_is_left_alone_whatever_the_report_says(state: State) -> None:
    assert done("liver", {LIVER: state}, kept("a", LIVER)) == {}
    assert done("liver", {LIVER: state}, said=(NO_LIVER,)) == {}


def test_a_mask_that_would_lack_a_lesion_is_not_made() -> None:
    assert done("liver", {LIVER: UNKNOWN}, kept("a", LIVER), lacking=True) == {}


def test_a_denied_structure_becomes_absent_with_or_without_candidates() -> None:
    expected = {LIVER: ("set_absent", "set_absent")}
    assert done("liver", {LIVER: UNKNOWN}, said=(NO_LIVER,)) == expected
    deleted = judged("a", LIVER, 0.9, Fate.DELETED)
    assert done("liver", {LIVER: UNKNOWN}, deleted, said=(NO_LIVER,)) == expected
    (row,) = site_actions(
        SITES["liver"], {LIVER: UNKNOWN}, NOBODY, (), words(NO_LIVER), lacking=False
    )
    assert row["lesion_reason"] == 'the report excludes it: "No liver_lesion."'


def test_absent_only_where_every_host_is_excluded() -> None:
    left, right = denied(TUMOR, "kidney_left"), denied(TUMOR, "kidney_right")
    states = {TUMOR: UNKNOWN, KIDNEY_CYST: UNKNOWN}
    assert done("kidney", states, said=(left,)) == {}
    assert done("kidney", states, said=(right,)) == {}
    assert set(done("kidney", states, said=(left, right))) == {TUMOR}


@pytest.mark.parametrize(
    "more",
    [
        {"explicit": False, "may_delete": False},
        {"explicit": False},
        {"may_delete": False},
        {"presence": Presence.UNCERTAIN},
        {"presence": Presence.PRESENT},
    ],
)
def test_nothing_is_absent_on_implied_contradicted_or_hedged_words(more: dict[str, Any]) -> None:
    assert done("liver", {LIVER: UNKNOWN}, said=(NO_LIVER.model_copy(update=more),)) == {}


def test_a_denied_whole_denies_its_parts_but_not_the_one_that_is_named() -> None:
    states = {PDAC: UNKNOWN, CYST: UNKNOWN, PNET: ABSENT}
    whole = denied(ANY, "pancreas")
    assert set(done("pancreas", states, said=(whole,))) == {PDAC, CYST}
    both = (whole, named(CYST, "pancreas"))
    assert set(done("pancreas", states, said=both)) == {PDAC}
    hedged = (whole, denied(CYST, "pancreas", presence=Presence.UNCERTAIN))
    assert set(done("pancreas", states, said=hedged)) == {PDAC}
    implied = (whole, denied(CYST, "pancreas", explicit=False, may_delete=False))
    assert set(done("pancreas", states, said=implied)) == {PDAC, CYST}


def test_one_open_candidate_leaves_its_whole_site_as_it_is() -> None:
    states = {PDAC: UNKNOWN, CYST: UNKNOWN}
    denying = (denied(CYST, "pancreas"),)
    assert set(done("pancreas", states, said=denying)) == {CYST}
    assert done("pancreas", states, judged("a", PDAC), kept("b", PDAC), said=denying) == {}


def test_candidates_that_are_settled_otherwise_are_in_nobodys_way() -> None:
    settled = [judged("a", LIVER, fate=fate) for fate in (Fate.LABELLED, Fate.BELOW, Fate.DELETED)]
    assert set(done("liver", {LIVER: UNKNOWN}, *settled, said=(NO_LIVER,))) == {LIVER}


def test_shown_candidates_leave_the_word_to_their_reader() -> None:
    states = {PDAC: PRESENT, CYST: UNKNOWN, PNET: ABSENT}
    shown = done("pancreas", states, judged("a", PDAC), shown=("a",))
    assert shown == {PDAC: ("review", "keep"), CYST: ("review", "keep")}
    rows = site_actions(SITES["pancreas"], states, [judged("a", PDAC)], ("a",), {}, lacking=False)
    assert {row["lesion_quality"] for row in rows} == {None}, "being asked about costs no weight"
    audit = judged("d", LIVER, 0.95, Fate.DELETED, audit=True)
    only = done("liver", {LIVER: UNKNOWN}, audit, said=(NO_LIVER,), shown=("d",))
    assert only == {LIVER: ("review", "keep")}


def decisions(*structures: str) -> pl.DataFrame:
    rows = [
        {
            "scan_id": "s",
            "structure": name,
            "action": "keep",
            "otherwise": "keep",
            "reason": "lesions go their own way",
            "quality": 0.7,
            "candidate": "current",
            "candidate_map": "map",
        }
        for name in structures
    ]
    return pl.DataFrame(rows)


def test_lesions_go_their_own_way_and_all_else_stays() -> None:
    before = decisions("spleen", LIVER, "liver", CYST)
    rows = [
        *site_actions(SITES["liver"], {LIVER: UNKNOWN}, NOBODY, (), words(NO_LIVER), lacking=False),
        *site_actions(
            SITES["pancreas"],
            {CYST: PRESENT},
            [judged("a", CYST)],
            ("a",),
            {},
            lacking=False,
        ),
    ]
    actions = pl.DataFrame([{"scan_id": "s", **row} for row in rows], schema=ACTIONS)
    after = with_lesions(before, actions)
    assert after.columns == before.columns
    assert after["structure"].to_list() == before["structure"].to_list()
    others = pl.col("structure").is_in(["spleen", "liver"])
    assert after.filter(others).equals(before.filter(others))
    lesion, cyst = (after.row(i, named=True) for i in (1, 3))
    assert (lesion["action"], lesion["candidate"], lesion["quality"]) == (
        "set_absent",
        "reported",
        1.0,
    )
    assert (cyst["action"], cyst["otherwise"]) == ("review", "keep")
    assert cyst["quality"] == 0.7, "that of the mask that is there"
    assert after["candidate_map"].to_list() == ["map", None, "map", None]


def test_without_lesions_decisions_stay_as_they_are() -> None:
    before = decisions("spleen", LIVER)
    assert with_lesions(before, pl.DataFrame(schema=ACTIONS)).equals(before)
