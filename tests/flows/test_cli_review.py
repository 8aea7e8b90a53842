"""``scalemai review`` as it is typed: a first round's questions, from a token to their answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Scalemai
from small_population import offer, small_settings

from flows.em_round import AWAITING_REVIEW, em_round
from flows.ingest import ingest
from scalemai_core.store.workspace import Workspace
from tasks.review import asked_items

pytestmark = pytest.mark.flow

SETTINGS = small_settings(
    review={"mode": "wait", "honeypot_share": 0.1}, decide={"budget": 1.0, "round_share": 0.05}
)


@pytest.fixture(scope="module")
def waiting(prefect: None, sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The first round of a workspace, which trains its own critic, waits for people."""
    store = Workspace.create(str(tmp_path_factory.mktemp("asked") / "ws"), patient_key="key")
    assert ingest(offer(store.url, sources / "population"), SETTINGS.compute)
    assert ingest(offer(store.url, sources / "gold", gold=True), SETTINGS.compute)
    assert em_round(store.url, SETTINGS, return_state=True).name == AWAITING_REVIEW
    return store


def test_a_truth_answers_a_first_round_and_one_of_others_spoils_nothing(
    waiting: Workspace, sources: Path, scalemai: Scalemai
) -> None:
    ask = ("review", "simulate", waiting.url, "--truth")
    assert "waits for" in scalemai("status", waiting.url).out
    for foreign, why in (("gold", "has none of the"), ("nothing", "does not exist")):
        refused = scalemai(*ask, sources / foreign)
        assert (refused.code, waiting.review_log(1).read()) == (2, ())
        assert why in " ".join(refused.err.split())
    given = scalemai(*ask, sources / "truth", "--json").document["answered"]
    entries = waiting.review_log(1).read()
    assert given == len(entries) >= len({one.item_id for one in entries}) > 0
    asked = {item.item_id for item in asked_items(waiting, 1) if not item.expected}
    assert {one.item_id for one in entries} == asked
    shown = scalemai("review", "stats", waiting.url).out
    assert "0 wait for an adjudicator" in shown
    assert "Two readers answered alike" in shown
    assert "is not finished" in scalemai("status", waiting.url).out


def test_a_folder_that_cannot_be_written_holds_no_items(
    waiting: Workspace, scalemai: Scalemai, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    refused = scalemai("review", "export", waiting.url, tmp_path / "file", "--reader", "ada")
    assert refused.code == 2
    assert "cannot write into" in refused.err
    assert scalemai("review", "stats", waiting.url, "--json").document["progress"]["leased"] == 0


def test_a_token_needs_a_name_and_can_be_taken_back(waiting: Workspace, scalemai: Scalemai) -> None:
    assert scalemai("review", "token", waiting.url, " ").code == 2
    made = scalemai("review", "token", waiting.url, "ada", "--role", "adjudicator")
    assert made.code == 0
    assert "ada (adjudicator)" in made.out
    assert scalemai("review", "token", waiting.url, "ada", "--revoke").code == 0
    assert scalemai("review", "token", waiting.url, "nobody", "--revoke").code == 2
