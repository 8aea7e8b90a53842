"""A round with a second expert: asked, written down, and never in the way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import polars as pl
import pytest
from small_population import small_settings

from flows.em_round import em_round
from scalemai_core.endpoint.client import Endpoint
from scalemai_core.endpoint.prompt import Reply
from scalemai_core.records.opinion import Preference
from scalemai_core.records.round import RoundResult
from scalemai_core.store.workspace import Workspace
from scalemai_core.vision.appearance import APPEARANCE
from scalemai_core.vision.question import Question
from tasks.opinions import COLUMNS, PAIRS
from tasks.round import plan_path

pytestmark = pytest.mark.flow

KEY = "sk-do-not-tell-anyone"
KEYS = ["scan_id", "structure"]
NOBODY = "http://127.0.0.1:9/v1"
"""An address where nothing answers."""


@contextmanager
def answering(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[Endpoint, Question], Reply] | None
) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("SCALEMAI_VISION_KEY", KEY)
        patch.setenv("NO_PROXY", "127.0.0.1")
        if ask is not None:
            patch.setattr(Endpoint, "ask", ask)
        yield


def run(store: Workspace, max_pairs: int) -> RoundResult:
    settings = small_settings(
        review={"mode": "skip"},
        expert={"decisive": 0.98},
        decide={"keep_quality": 1.0},  # every mask is doubtful
        vision={"url": NOBODY, "model": "m", "max_pairs": max_pairs, "tries": 1, "picture_px": 64},
    )
    result = em_round(store.url, settings)
    assert isinstance(result, RoundResult)
    return result


def test_a_round_asks_about_the_most_valuable_pairs_and_stores_what_was_said(
    copied: Callable[[str], Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = copied("asked")
    sizes: list[int] = []

    def first(_: Endpoint, question: Question) -> Reply:
        sizes.append(len(question.pictures))
        return Reply(text="ANSWER: YES" if len(question.pictures) == 2 else "ANSWER: 1", model="t")

    with answering(monkeypatch, first):
        result = run(store, max_pairs=4)
    tables = store.round(result.number)
    pairs, opinions = tables.read(PAIRS), tables.read("opinions")
    assert 0 < pairs.height <= 4
    assert opinions.schema == COLUMNS
    assert opinions.select(KEYS).sort(KEYS).equals(pairs.select(KEYS).sort(KEYS))
    assert set(opinions["opinion"]) == {Preference.ABSTAINS.value}, "it answers by position"
    assert set(opinions["structure"]) <= set(APPEARANCE)
    decisions = tables.read("decisions")
    seconded = decisions.filter(pl.col("second").is_not_null())
    assert seconded.select(KEYS).sort(KEYS).equals(pairs.select(KEYS).sort(KEYS))
    assert seconded["reason"].str.ends_with("the second expert abstains").all()
    assert sizes, "somebody was asked"


@pytest.mark.slow
def test_a_service_that_is_not_there_costs_a_round_nothing_but_its_opinions(
    copied: Callable[[str], Workspace],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = copied("alone")
    caplog.set_level(logging.INFO, logger="scalemai.opinions")
    with answering(monkeypatch, None):
        result = run(store, max_pairs=8)
    opinions = store.round(result.number).read("opinions")
    assert result.failed_scans == 0
    assert set(opinions["opinion"]) == {Preference.ABSTAINS.value}
    told = [r.getMessage() for r in caplog.records if r.name == "scalemai.opinions"]
    assert len(told) == 1, "it is said once"
    assert f"{opinions.height} pairs" in told[0]
    assert "cannot be reached" in told[0]
    stored = store.files.read_bytes(plan_path(result.number)).decode()
    assert NOBODY in stored
    assert KEY not in stored
