"""A round from question to dataset version, with people who answer on the page in a browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
from browser import WAIT_MS, page_at, paint_and_save, press, served
from playwright.sync_api import Page, expect
from small_population import small_settings

from flows.desk import desk_of, export_answers, new_token
from flows.em_round import AWAITING_REVIEW, em_round
from scalemai_core.records.decision import Candidate
from scalemai_core.records.reader import Reader, Role
from scalemai_core.records.review import ItemKind, Verdict
from scalemai_core.records.review_entry import Act
from scalemai_core.records.round import RoundPlan, RoundResult
from scalemai_core.review.web.app import create_app
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.review import asked_items, open_queue
from tasks.round import plan_path
from tasks.verdicts import verdicts_of_round

pytestmark = pytest.mark.flow

NUM_KEYS = 12
DRAWN_TURN = 2


@dataclass(frozen=True)
class Waiting:
    """A round that waits for people, and where they answer."""

    store: Workspace
    settings: EngineSettings
    address: str
    tokens: dict[str, str]


@pytest.fixture
def waiting(copied: Callable[[str], Workspace], prefect: None) -> Iterator[Waiting]:
    store = copied("looking")
    settings = small_settings(
        review={"mode": "wait", "double_share": 0.1, "honeypot_share": 0.1},
        decide={"budget": 1.0, "round_share": 0.08},
    )
    state = em_round(store.url, settings, return_state=True)
    assert state.name == AWAITING_REVIEW
    people = [Reader(name="ada"), Reader(name="ben"), Reader(name="eva", role=Role.ADJUDICATOR)]
    tokens = {one.name: new_token(store.url, one, settings.review) for one in people}
    queue = open_queue(store, settings.review)
    app = create_app(desk_of(store, queue, settings.review), queue, settings.review.web)
    with served(app) as address:
        yield Waiting(store, settings, address, tokens)


def test_what_people_answer_on_the_page_is_in_the_next_dataset_version(
    waiting: Waiting, tmp_path: Path
) -> None:
    store = waiting.store
    items = {item.item_id: item for item in asked_items(store, 2)}
    kinds = [item.kind for item in items.values()]
    assert len(items) > NUM_KEYS
    assert ItemKind.HONEYPOT in kinds
    assert any(item.reads > 1 for item in items.values())
    for name in waiting.tokens:
        answer_all(waiting, name)
    entries = store.review_log(2).read()
    assert [entry.act for entry in entries].count(Act.UNDO) == 1
    by_ada = [one for one in entries if one.reader == "ada" and one.act is Act.ANSWER]
    assert len(by_ada) >= NUM_KEYS

    result = em_round(store.url, waiting.settings)
    assert isinstance(result, RoundResult)
    plan = RoundPlan.model_validate(store.read_json(plan_path(2)))
    verdicts = verdicts_of_round(store, plan)
    asked = [item for item in items.values() if item.kind is not ItemKind.HONEYPOT]
    assert {verdict.item_id for verdict in verdicts} == {item.item_id for item in asked}
    assert sum(verdict.choice is Candidate.READER for verdict in verdicts) == 1
    version = store.catalog.version(result.dataset_version)
    rows = {
        (row["scan_id"], row["structure"]): row
        for row in store.catalog.annotations(version).iter_rows(named=True)
    }
    for verdict in verdicts:
        check_annotation(store, rows[verdict.scan_id, verdict.structure], verdict)
    assert export_answers(store.url, 2, tmp_path / "answers") == 1
    (written,) = (tmp_path / "answers").iterdir()
    (mended,) = [verdict for verdict in verdicts if verdict.choice is Candidate.READER]
    assert written.name == f"{mended.item_id}-1.dcm"
    assert pydicom.dcmread(written).Modality == "SEG"
    gold = [item for item in items.values() if item.kind is ItemKind.HONEYPOT]
    assert {rows[item.scan_id, item.structure]["origin"] for item in gold} == {"gold"}


def check_annotation(store: Workspace, row: dict[str, object], verdict: Verdict) -> None:
    """It bears the reader's name, and a drawn mask has the voxels that were drawn."""
    assert (row["origin"], row["origin_name"]) == ("human", verdict.reader)
    assert (row["weight"], row["reason"]) == (1.0, f"a reader chose '{verdict.choice}'")
    if verdict.choice is Candidate.READER:
        ids = load_taxonomy().member_ids(verdict.structure)
        drawn, stored = (
            np.isin(store.labels.read(str(name)), ids)
            for name in (verdict.label_map, row["label_map"])
        )
        assert drawn.any()
        np.testing.assert_array_equal(drawn, stored)


def answer_all(waiting: Waiting, name: str) -> None:
    """Sign in and answer until nothing is left; ada draws one, and takes one answer back."""
    with page_at(waiting.address) as (page, troubles):
        page.get_by_label("Token").fill(waiting.tokens[name])
        page.keyboard.press("Enter")
        ended = page.get_by_role("heading", name="Nothing waits")
        expect(page.locator("#structure:not(:empty)").or_(ended).first).to_be_visible()
        turn = 0
        while not ended.is_visible():
            turn += 1
            before = len(waiting.store.review_log(2).read())
            if name == "ada" and turn == NUM_KEYS:
                press(page, "u")
            elif name == "ada" and turn == DRAWN_TURN:
                paint_and_save(page)
            else:
                answer(page, turn)
            wait_for_entries(waiting.store, before + 1)
        assert troubles == []


def answer(page: Page, turn: int) -> None:
    """One key: keep or delete where a lesion is asked about, else A or B in turn."""
    lesion = "lesion" in page.locator("#asked").inner_text().lower()
    press(page, ("k" if lesion else "a") if turn % 2 else ("x" if lesion else "b"))


def wait_for_entries(store: Workspace, number: int) -> None:
    """The page answers behind the reader's back; this is when the answer is stored."""
    deadline = time.monotonic() + WAIT_MS / 1000
    while len(store.review_log(2).read()) < number:
        assert time.monotonic() < deadline, "the answer is not stored"
        time.sleep(0.05)
