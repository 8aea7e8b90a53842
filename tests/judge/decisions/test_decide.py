"""The policy's promises, whatever its limits are set to."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_appraisals import CONVICTED, appraised

from scalemai_core.judge.decisions.decide import count_actions, decide
from scalemai_core.records.decision import Action
from scalemai_core.settings.judgement import DecideSettings, ExpertSettings

SETTINGS, EXPERT = DecideSettings(), ExpertSettings()
CHANGING = ["replace", "impute", "set_absent"]

facts = st.fixed_dictionaries(
    {
        "state": st.sampled_from(["present", "absent", "unknown"]),
        "origin": st.sampled_from(["source", "model", "human", "gold"]),
        "gold": st.sampled_from([None, "fit"]),
        "layer": st.sampled_from(["anatomy", "vessels", "lesions"]),
        "dice": st.one_of(st.none(), st.floats(0, 1)),
        "volume_ml_prediction": st.one_of(st.just(0.0), st.floats(1, 3000)),
        "quality_current": st.floats(0, 1),
        "quality_rival": st.floats(0, 1),
        "better": st.floats(0, 1),
        "gain": st.floats(-1, 1),
        "enabled": st.booleans(),
        "rival": st.sampled_from(["prediction", "repaired"]),
    }
)


def outcome(*, out_of_fold: bool = True, **row: object) -> dict[str, object]:
    """What is decided of one mask."""
    table = decide(appraised(row), SETTINGS, EXPERT, out_of_fold=out_of_fold)
    return table.row(0, named=True)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(facts, min_size=1, max_size=8), out_of_fold=st.booleans())
def test_whatever_is_appraised_is_decided_once_with_a_reason(
    rows: list[dict[str, object]], *, out_of_fold: bool
) -> None:
    table = appraised(*rows)
    decided = decide(table, SETTINGS, EXPERT, out_of_fold=out_of_fold)
    assert decided["scan_id"].equals(table["scan_id"]), "one row each, in order"
    for column in ("action", "otherwise"):
        assert set(decided[column]) <= {action.value for action in Action}
    assert "review" not in set(decided["otherwise"]), "without a person something must happen"
    assert decided["reason"].str.len_chars().min() > 0
    assert decided["quality"].is_between(0, 1).all()
    may_change = pl.col("action").is_in(CHANGING) | pl.col("otherwise").is_in(CHANGING)
    changed = decided.filter(may_change)
    assert changed["gold"].null_count() == changed.height, "gold never changes"
    assert "human" not in set(changed["origin"]), "human decisions stand"
    assert changed["enabled"].all(), "the expert acts where it is proven"
    if not out_of_fold:
        assert changed.height == 0, "a critic that saw the annotation changes nothing"


def test_a_convicted_mask_is_replaced_by_a_good_one() -> None:
    found = outcome(**CONVICTED)
    assert (found["action"], found["candidate"]) == ("replace", "prediction")
    assert found["quality"] == pytest.approx(0.9)


def test_a_repaired_mask_is_taken_from_its_own_label_map() -> None:
    found = outcome(**CONVICTED, rival="repaired", rival_map="abc")
    assert (found["candidate"], found["candidate_map"]) == ("repaired", "abc")


@pytest.mark.parametrize("fact", [{"enabled": False}, {"gold": "fit"}, {"origin": "human"}])
def test_what_the_expert_may_not_touch_stays(fact: dict[str, object]) -> None:
    assert outcome(**(CONVICTED | fact))["action"] in ("keep", "review")


def test_a_critic_that_saw_the_annotation_asks_people() -> None:
    found = outcome(**CONVICTED, out_of_fold=False)
    assert (found["action"], found["otherwise"]) == ("review", "hold")


def test_a_better_but_poor_mask_is_asked_about_and_taken_without_an_answer() -> None:
    found = outcome(**(CONVICTED | {"quality_rival": 0.2}))
    assert (found["action"], found["otherwise"]) == ("review", "replace")


def test_a_good_mask_is_not_replaced_by_one_that_seems_a_little_better() -> None:
    assert outcome(better=0.99, gain=0.03)["action"] == "keep"


def test_a_doubtful_mask_without_a_winner_is_asked_about_and_held_without_an_answer() -> None:
    found = outcome(quality_current=0.3, better=0.6)
    assert (found["action"], found["otherwise"]) == ("review", "hold")


def test_an_empty_prediction_that_wins_makes_the_structure_absent() -> None:
    assert outcome(**(CONVICTED | {"volume_ml_prediction": 0.0}))["action"] == "set_absent"


@pytest.mark.parametrize(
    ("fact", "action"),
    [({}, "impute"), ({"quality_rival": 0.3}, "keep"), ({"volume_ml_prediction": 0.0}, "keep")],
)
def test_an_unknown_structure_is_filled_by_a_good_prediction_alone(
    fact: dict[str, object], action: str
) -> None:
    row: dict[str, object] = {"state": "unknown", "dice": 0.0, **fact}
    assert outcome(**row)["action"] == action


def test_counts_name_every_action() -> None:
    table = appraised({}, CONVICTED, {"state": "unknown"})
    counts = count_actions(decide(table, SETTINGS, EXPERT, out_of_fold=True))
    assert set(counts) == {action.value for action in Action}
    assert sum(counts.values()) == 3


def test_an_expert_taught_by_stand_ins_takes_nothing_poor() -> None:
    poor = CONVICTED | {"quality_rival": 0.2}
    assert outcome(**poor)["otherwise"] == "replace"
    assert outcome(**poor, taught="stand-in")["otherwise"] == "hold"
