"""How people come in: nobody, or a round that waits for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl
import pytest
from small_population import AfterOneRound, small_settings

from flows.em_round import AWAITING_REVIEW, em_round
from scalemai_core.records.decision import Candidate
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.records.review_entry import ReviewEntry
from scalemai_core.records.round import RoundPlan, RoundResult
from scalemai_core.review.entries import entry_of, verdict_on
from scalemai_core.store.documents.review_log import ReviewClosedError
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

    queue = open_queue(store, settings.review)
    questions = queue.open_items(2)
    assert questions
    answer(store, questions[:-1])
    still = em_round(store.url, settings, return_state=True)
    assert still.name == AWAITING_REVIEW
    assert [item.item_id for item in queue.open_items(2)] == [questions[-1].item_id]

    answer(store, questions[-1:])
    result = em_round(store.url, settings)
    assert isinstance(result, RoundResult)
    assert (result.number, last_round(store)) == (2, 2)
    asked = [item for item in questions if item.kind is not ItemKind.HONEYPOT]
    assert result.reviewed == len(asked)
    assert result.human_minutes == pytest.approx(sum(item.reads for item in questions) * 4.0 / 60)
    with pytest.raises(ReviewClosedError, match="review of round 2 is closed"):
        answer(store, questions[:1])
    assert result.reviewed_share <= settings.decide.budget
    version = store.catalog.version(result.dataset_version)
    masks = pl.DataFrame([(i.scan_id, i.structure) for i in asked], schema=KEY, orient="row")
    rows = store.catalog.annotations(version).join(masks, on=KEY)
    assert set(rows["origin"]) == {"human"}
    assert set(rows["origin_name"]) == {"dr. example"}
    plan = RoundPlan.model_validate(store.read_json(plan_path(2)))
    assert plan.base_version == 3


def answer(store: Workspace, questions: Sequence[ReviewItem]) -> None:
    """As many people as each question takes keep the present mask."""
    log = store.review_log(questions[0].round)
    for item in questions:
        for reader in ("dr. example", "dr. sample")[: item.reads]:
            log.append(f"{reader} {item.item_id}", [kept(item, reader)])


def kept(item: ReviewItem, reader: str) -> ReviewEntry:
    person = Reader(name=reader)
    verdict = verdict_on(item, person, Candidate.CURRENT, None, 4.0)
    return entry_of(verdict, f"{reader} {item.item_id}", person)
