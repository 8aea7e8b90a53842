"""``scalemai model``: which models there are, and a person's word on which one consumers get."""

from __future__ import annotations

from collections.abc import Callable

import mlflow
import pytest
from command_line import Scalemai
from small_population import AfterOneRound, small_settings

from flows.em_round import em_round
from scalemai_core.records.round import RoundPlan, RoundResult
from scalemai_core.settings.engine import TrackingSettings
from scalemai_core.store.documents.account import account
from scalemai_core.store.workspace import Workspace
from tasks.champion import critic_key
from tasks.round import plan_path
from tasks.tracking.registry import Tracker

pytestmark = pytest.mark.flow


def test_models_are_listed_with_what_gold_said(
    scalemai: Scalemai, first_round: AfterOneRound
) -> None:
    found = scalemai("model", "list", first_round.store.url, "--json").document
    gold = first_round.result.gold
    assert [one["version"] for one in found] == [1, 2]
    assert gold is not None
    assert found[1]["mean_dice"] == gold.mean_dice
    assert found[1]["mean_nsd"] == gold.mean_nsd
    assert found[1]["said_of_it"] == first_round.result.promotion_reason
    assert [one["next_critic"] for one in found] == [False, True]
    (first,) = found[0]["appointed"]
    assert (first["by"], first["round"], first["before"]) == ("round", 1, None)
    words = scalemai("model", "list", first_round.store.url).out
    assert "Models" in words
    assert "became champion (round" in words
    assert "The next round starts from version 2" in words


def test_an_unknown_version_is_one_line_and_moves_nothing(
    scalemai: Scalemai, first_round: AfterOneRound
) -> None:
    before = first_round.store.appointments.read()
    found = scalemai("model", "promote", first_round.store.url, 99)
    assert found.code == 2
    (line,) = found.err.splitlines()
    assert line == "error: no model version 99 of scalemai; registered: 1, 2"
    assert first_round.store.appointments.read() == before


def test_after_a_rollback_consumers_and_the_next_round_get_the_older_version(
    scalemai: Scalemai, copied: Callable[[str], Workspace]
) -> None:
    store, tracking = copied("rollback"), TrackingSettings()
    tracker = Tracker(store, tracking)
    older, newer = tracker.models()
    assert critic_key(store, tracking) == newer.key
    reason = "the newer one loses the spleen"
    found = scalemai("model", "promote", store.url, 1, "--reason", reason, "--json").document
    assert (found["version"], found["by"], found["round"]) == (1, "person", 1)
    champion = tracker.champion()
    assert champion is not None
    assert champion.version == 1
    assert critic_key(store, tracking) == older.key
    last = store.appointments.read()[-1]
    assert (last.reason, last.before, last.person) == (reason, found["before"], account())
    tags = mlflow.MlflowClient().get_model_version("scalemai", "1").tags
    assert tags["scalemai.promotion_reason"] == reason
    assert tags["scalemai.promoted_by"] == f"person: {account()}"
    assert f"became champion (person, {account()}): {reason}" in scalemai(
        "model", "list", store.url
    ).out.replace("\n", " ")

    result = em_round(store.url, small_settings(review={"mode": "skip"}))
    assert isinstance(result, RoundResult)
    plan = RoundPlan.model_validate(store.read_json(plan_path(2)))
    assert plan.model_key == older.key
    newest = tracker.models()[-1]
    assert newest.round == 2
    assert store.read_json(f"rounds/2/rival-of-{newest.key}.json") == {"champion": older.key}
    assert critic_key(store, tracking) == newest.key, "a later round has made a model"
    openings = store.gold_openings.read()
    assert [one.round for one in openings] == [1, 1, 2]
    assert result.gold is not None
    assert result.gold.test_openings == 3
    assert "Gold test: opened 3 times, last in round 2" in scalemai("status", store.url).out
