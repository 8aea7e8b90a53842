"""How people come in: nobody, or a round that waits for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
import pytest
from small_population import AfterOneRound, small_settings

from flows.em_round import AWAITING_REVIEW, em_round
from scalemai_core.records.decision import Candidate
from scalemai_core.records.review import Verdict
from scalemai_core.records.round import RoundPlan, RoundResult
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store import tables
from scalemai_core.store.workspace import Workspace
from tasks.review import open_queue
from tasks.round import last_round, plan_path, result_path

pytestmark = pytest.mark.flow

KEY = ["scan_id", "structure"]


def test_without_people_every_question_ends_on_hold(undisturbed: AfterOneRound) -> None:
    store, result = undisturbed.store, undisturbed.result
    assert (result.number, result.reviewed, result.human_minutes) == (2, 0, 0.0)
    decisions = pl.read_parquet(f"{store.url}/rounds/2/decisions.parquet")
    doubtful = decisions.filter(pl.col("action").is_in(["review", "hold"])).select(KEY)
    assert doubtful.height > 0
    version = store.catalog.latest()
    assert version is not None
    rows = store.catalog.annotations(version).join(doubtful, on=KEY)
    assert rows["weight"].to_list() == [0.0] * doubtful.height
    assert rows["reason"].str.starts_with("on hold: ").all()


def test_a_reader_keeps_what_was_decided_in_the_round_before(undisturbed: AfterOneRound) -> None:
    catalog = undisturbed.store.catalog
    before, after = (catalog.annotations(catalog.version(n)) for n in (3, 4))
    human = pl.col("origin") == "human"
    reviewed = before.filter(human)
    assert reviewed.height > 0
    kept = after.filter(human).join(reviewed, on=KEY, suffix="_before")
    assert kept.height == reviewed.height
    assert (kept["weight"] == 1.0).all()


def test_a_round_waits_for_people_and_ends_when_they_have_answered(
    copied: Callable[[str], Workspace], prefect: None
) -> None:
    store = copied("waiting")
    settings = small_settings(review={"mode": "wait"})
    waiting = em_round(store.url, settings, return_state=True)
    assert waiting.name == AWAITING_REVIEW
    assert waiting.is_completed()
    assert "questions wait for people" in str(waiting.message)
    assert len(store.catalog.versions()) == 3, "nothing is committed yet"
    assert store.read_json(result_path(2)) is None

    queue = open_queue(store, ReviewSettings())
    questions = queue.open_items(2)
    assert questions
    earlier = store.catalog.table("verdicts", tables.VERDICTS).height
    answer_all_but_the_last(store, questions)
    still = em_round(store.url, settings, return_state=True)
    assert still.name == AWAITING_REVIEW
    assert [item.item_id for item in queue.open_items(2)] == [questions[-1].item_id]

    append(store, questions[-1:])
    result = em_round(store.url, settings)
    assert isinstance(result, RoundResult)
    assert (result.number, last_round(store)) == (2, 2)
    assert result.reviewed == len(questions)
    everyone = store.catalog.table("verdicts", tables.VERDICTS).height
    assert everyone == earlier + len(questions)
    assert result.reviewed_share <= settings.decide.budget
    version = store.catalog.version(result.dataset_version)
    asked = pl.DataFrame([(i.scan_id, i.structure) for i in questions], schema=KEY, orient="row")
    rows = store.catalog.annotations(version).join(asked, on=KEY)
    assert set(rows["origin"]) == {"human"}
    assert set(rows["origin_name"]) == {"dr. example"}
    plan = RoundPlan.model_validate(store.read_json(plan_path(2)))
    assert plan.base_version == 3


def answer_all_but_the_last(store: Workspace, questions: tuple) -> None:
    append(store, questions[:-1])


def append(store: Workspace, questions: tuple) -> None:
    verdicts = [
        Verdict(
            item_id=item.item_id,
            round=item.round,
            scan_id=item.scan_id,
            structure=item.structure,
            reader="dr. example",
            choice=Candidate.CURRENT,
            base_label_map=item.base_label_map,
            seconds=4.0,
            created=datetime.now(UTC),
        )
        for item in questions
    ]
    store.catalog.append("verdicts", [v.model_dump() for v in verdicts], tables.VERDICTS)
