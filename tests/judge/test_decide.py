"""The policy's promises, whatever its limits are set to."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_judgements import judged, population

from scalemai_core.judge.budget import allowance, spend_budget
from scalemai_core.judge.decide import count_actions, decide
from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Action
from scalemai_core.settings import DecideSettings

SETTINGS = DecideSettings()
KEY = ["scan_id", "structure"]
CHANGING = ["replace", "impute", "set_absent"]
WRONG = {"dice": 0.05, "faults_current": 3, "doubts_current": 2}
"""A mask that everything speaks against."""

rows = st.fixed_dictionaries(
    {
        "state": st.sampled_from(list(State)),
        "origin": st.sampled_from(["source", "model", "human", "gold"]),
        "gold": st.sampled_from([None, "fit"]),
        "layer": st.sampled_from(["anatomy", "vessels", "lesions"]),
        "dice": st.one_of(st.none(), st.floats(0, 1)),
        "volume_ml_current": st.floats(0, 3000),
        "volume_ml_prediction": st.floats(0, 3000),
        "faults_current": st.integers(0, 3),
        "faults_prediction": st.integers(0, 3),
        "doubts_current": st.integers(0, 3),
        "doubts_prediction": st.integers(0, 3),
        "at_border_current": st.booleans(),
    }
)


def outcome(row: dict[str, object], *, out_of_fold: bool = True) -> dict[str, object]:
    """What is decided of one row within the population."""
    decided = decide(population(row), SETTINGS, out_of_fold=out_of_fold)
    return decided.filter(pl.col("scan_id") == row["scan_id"]).row(0, named=True)


@settings(max_examples=40, deadline=None)
@given(facts=st.lists(rows, min_size=1, max_size=8), out_of_fold=st.booleans())
def test_whatever_is_judged_is_decided_once_with_a_reason(
    facts: list[dict[str, object]], *, out_of_fold: bool
) -> None:
    frame = population(*(judged(f"any {i}", **one) for i, one in enumerate(facts)))
    decided = decide(frame, SETTINGS, out_of_fold=out_of_fold)
    assert decided.select(KEY).equals(frame.select(KEY)), "one row each, in order"
    assert set(decided["action"]) <= {action.value for action in Action}
    assert decided["reason"].null_count() == 0
    assert decided["reason"].str.len_chars().min() > 0
    for column in ("quality", "gain"):
        assert decided[column].is_finite().all(), column
    assert decided["quality"].is_between(0, 1).all()
    changed = decided.filter(pl.col("action").is_in(CHANGING))
    assert changed["gold"].null_count() == changed.height, "gold never changes"
    assert "human" not in set(changed["origin"]), "human decisions stand"
    if not out_of_fold:
        assert changed.height == 0, "a critic that saw the annotation changes nothing"


@pytest.mark.parametrize("state", [State.PRESENT, State.ABSENT, State.UNKNOWN])
def test_gold_never_changes(state: State) -> None:
    found = outcome(judged("special", gold="fit", origin="gold", state=state, **WRONG))
    assert found["action"] == "keep"


def test_a_human_decision_stands() -> None:
    assert outcome(judged("special", origin="human", **WRONG))["action"] == "keep"


def test_agreement_as_usual_is_kept() -> None:
    assert outcome(judged("special", dice=0.905))["action"] == "keep"


def test_what_everything_speaks_against_is_replaced_out_of_fold_only() -> None:
    found = outcome(judged("special", **WRONG))
    assert (found["action"], found["candidate"]) == ("replace", "prediction")
    assert outcome(judged("special", **WRONG), out_of_fold=False)["action"] == "review"


def test_an_implausible_prediction_replaces_nothing() -> None:
    row = judged("special", dice=0.05, faults_prediction=3, volume_ml_prediction=3.0)
    assert outcome(row)["action"] in ("keep", "review")


def test_an_unreliable_model_replaces_and_imputes_nothing() -> None:
    weak = [judged(f"weak {i}", "spleen", dice=0.2 + 0.01 * (i % 3)) for i in range(12)]
    wrong = judged("special", "spleen", **WRONG)
    unknown = judged("unknown", "spleen", state=State.UNKNOWN)
    decided = decide(population(*weak, wrong, unknown), SETTINGS, out_of_fold=True)
    spleen = decided.filter(pl.col("structure") == "spleen")
    assert not set(spleen["action"]) & set(CHANGING)


def test_unknown_and_plausible_is_imputed_out_of_fold_only() -> None:
    row = judged("special", state=State.UNKNOWN)
    assert outcome(row)["action"] == "impute"
    assert outcome(row, out_of_fold=False)["action"] == "keep"


def test_unknown_stays_unknown_where_nothing_or_nonsense_is_predicted() -> None:
    nothing = judged("special", state=State.UNKNOWN, volume_ml_prediction=0.0, dice=None)
    nonsense = judged("special", state=State.UNKNOWN, faults_prediction=2)
    assert outcome(nothing)["action"] == outcome(nonsense)["action"] == "keep"


def test_lesions_are_never_changed_automatically() -> None:
    assert outcome(judged("special", layer="lesions", **WRONG))["action"] == "keep"


def test_the_order_of_rows_decides_nothing() -> None:
    frame = population(judged("special", **WRONG), judged("other", state=State.UNKNOWN))
    one = decide(frame, SETTINGS, out_of_fold=True).sort(KEY)
    two = decide(frame.sample(fraction=1, shuffle=True, seed=7), SETTINGS, out_of_fold=True)
    columns = [*KEY, "action", "candidate", "reason", "gain", "quality"]
    assert one.select(columns).equals(two.sort(KEY).select(columns))


def test_an_empty_table_is_decided_too() -> None:
    decided = decide(population().clear(), SETTINGS, out_of_fold=True)
    assert decided.height == 0
    left, items = spend_budget(decided, allowance=3, audits=1, seed=0)
    assert (left.height, items.height) == (0, 0)


@pytest.fixture
def mixed() -> pl.DataFrame:
    """Many doubtful masks and many automatic changes."""
    doubtful = [
        judged(f"doubt {i:02d}", dice=0.4 + 0.01 * i, faults_prediction=1, faults_current=1)
        for i in range(15)
    ]
    wrong = [judged(f"wrong {i:02d}", **WRONG) for i in range(15)]
    unknown = [judged(f"unknown {i:02d}", state=State.UNKNOWN) for i in range(15)]
    frame = population(*doubtful, *wrong, *unknown)
    decided = decide(frame, SETTINGS, out_of_fold=True)
    forced = pl.col("scan_id").str.starts_with("doubt")
    return decided.with_columns(action=pl.when(forced).then(pl.lit("review")).otherwise("action"))


@pytest.mark.parametrize("budget", [0, 1, 4, 100])
def test_what_people_do_not_see_is_on_hold(mixed: pl.DataFrame, budget: int) -> None:
    decided, items = spend_budget(mixed, allowance=budget, audits=1, seed=0)
    assert items.height <= budget
    assert items.select(KEY).is_unique().all()
    asked = decided.filter(pl.col("action") == "review").select(KEY)
    chosen = items.filter(pl.col("kind") == "choose").select(KEY)
    assert asked.sort(KEY).equals(chosen.sort(KEY)), "asked is what is in the queue"
    wanted = mixed.filter(pl.col("action") == "review").height
    counts = count_actions(decided)
    assert counts["hold"] + counts["review"] == wanted
    assert decided["reason"].null_count() == 0


def test_people_see_first_what_gains_most(mixed: pl.DataFrame) -> None:
    _, items = spend_budget(mixed, allowance=5, audits=0, seed=0)
    wanted = mixed.filter(pl.col("action") == "review")
    assert items["priority"].min() >= wanted["gain"].sort(descending=True)[4]


def test_audits_are_a_random_sample_of_automatic_decisions(mixed: pl.DataFrame) -> None:
    drawn = set()
    automatic = mixed.filter(pl.col("action").is_in(CHANGING)).select(KEY)
    for seed in range(20):
        _, items = spend_budget(mixed, allowance=10, audits=3, seed=seed)
        audits = items.filter(pl.col("kind") == "audit").select(KEY)
        assert audits.height == 3
        assert audits.join(automatic, on=KEY).height == 3
        drawn |= set(audits.iter_rows())
    assert len(drawn) > 10


def test_the_same_seed_asks_the_same_whatever_the_order(mixed: pl.DataFrame) -> None:
    _, one = spend_budget(mixed, allowance=8, audits=3, seed=5)
    shuffled = mixed.sample(fraction=1, shuffle=True, seed=1)
    _, two = spend_budget(shuffled, allowance=8, audits=3, seed=5)
    assert one.equals(two)


@given(
    masks=st.integers(0, 5000),
    budget=st.floats(0, 1),
    share=st.floats(0.01, 1),
    rounds=st.integers(1, 12),
)
def test_the_budget_holds_over_all_rounds(
    masks: int, budget: float, share: float, rounds: int
) -> None:
    settings = DecideSettings(budget=budget, round_share=share)
    opened = 0
    for _ in range(rounds):
        opened += allowance(masks=masks, opened=opened, settings=settings)
    assert opened <= budget * masks


def test_a_budget_that_was_overspent_opens_nothing() -> None:
    assert allowance(masks=100, opened=90, settings=DecideSettings(budget=0.05)) == 0


def test_counts_name_every_action() -> None:
    counts = count_actions(decide(population(), SETTINGS, out_of_fold=True))
    assert set(counts) == {action.value for action in Action}
    assert sum(counts.values()) == 24
