"""``scalemai verify``, ``gc``, ``claim`` and ``versions pin``: what they say, and their codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from command_line import Scalemai
from prefect.client.schemas.objects import State
from small_population import AfterOneRound, small_settings

from flows.em_round import NOTHING_TO_DO, em_round
from scalemai_core.errors import ClaimedError, ClaimLostError
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.stage import StageInputs
from scalemai_core.store.documents.claim import INGEST, ROUND, claimed
from scalemai_core.store.workspace import Workspace
from tasks.dataset import model_document
from tasks.revise import commit_round
from tasks.round import plan_path, result_path

pytestmark = pytest.mark.flow


@pytest.fixture
def store(copied: Callable[[str], Workspace]) -> Workspace:
    return copied("kept")


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_workspace_after_a_round_is_whole_and_a_flipped_byte_is_named(
    scalemai: Scalemai, store: Workspace
) -> None:
    found = scalemai("verify", store.url, "--all")
    assert found.code == 0
    assert "everything is whole" in found.out
    scan = store.catalog.scans(store.catalog.versions()[-1])["scan_id"][0]
    flip(Path(store.url) / f"scans/{scan}.ome.zarr/0/c.0.0.0")
    told = scalemai("verify", store.url)
    assert told.code == 1
    assert "1 object is damaged" in told.out
    assert "What to do about a scan" in told.out
    document = scalemai("verify", store.url, "--json").document
    assert not document["whole"]
    (damage,) = document["damages"]
    assert (damage["path"], damage["fault"]) == (f"scans/{scan}.ome.zarr", "altered")


def test_a_collection_is_told_first_and_done_when_wanted(
    scalemai: Scalemai, store: Workspace
) -> None:
    where = ("gc", store.url, "--grace-hours", 0, "--predictions")
    told = scalemai(*where)
    assert told.code == 0
    assert "Nothing was removed: add --delete" in told.out
    assert store.files.names("predictions")
    gone = scalemai(*where, "--delete", "--json").document
    assert gone["deleted"]
    assert {one["kind"]: one["number"] for one in gone["kinds"]}["prediction"] > 0
    assert not store.files.names("predictions")
    assert "nothing to remove" in scalemai(*where).out
    assert scalemai("verify", store.url, "--all").code == 0
    assert scalemai("gc", store.url, "--keep-versions", 0).code == 2


def test_a_pinned_version_stays_and_a_dropped_one_is_told(
    scalemai: Scalemai, store: Workspace
) -> None:
    assert scalemai("versions", store.url, "pin", 1, "paper").code == 0
    collect = ("gc", store.url, "--keep-versions", 1, "--grace-hours", 0, "--delete", "--json")
    dropped = scalemai(*collect).document["dropped_versions"]
    listed = scalemai("versions", store.url, "--json").document
    kept = {one["number"]: one["kept"] for one in listed}
    assert kept[1] == "pinned paper"
    assert [number for number, word in kept.items() if word == "dropped"] == dropped
    assert scalemai("versions", store.url, "unpin", 1).code == 0
    assert scalemai("versions", store.url, "unpin", 1).code == 2
    assert scalemai("versions", store.url, "pin", 99).code == 2
    assert scalemai("versions", store.url, "pin").code == 2


def test_a_second_round_or_ingestion_is_refused_in_one_line(
    scalemai: Scalemai, store: Workspace, first_round: AfterOneRound
) -> None:
    population = first_round.sources / "population"
    with claimed(store.files, ROUND, "round 2"), claimed(store.files, INGEST, "ingestion"):
        for command in (("round", store.url), ("ingest", store.url, population)):
            refused = scalemai(*command)
            assert refused.code == 2
            assert "is taken" in refused.err
            assert "claim" in refused.err
        assert scalemai("gc", store.url, "--delete").code == 2
        assert scalemai("gc", store.url).code == 0
        assert "round 2: " in scalemai("claim", store.url).out
    assert "free" in scalemai("claim", store.url).out
    assert scalemai("claim", store.url, "--release").code == 2
    assert [one.number for one in store.catalog.versions()][-1] == 3


def test_a_round_that_lost_its_claim_commits_nothing(
    store: Workspace, prefect: None, first_round: AfterOneRound
) -> None:
    plan = RoundPlan.model_validate(store.read_json(plan_path(1)))
    plan = plan.model_copy(update={"number": 2, "base_version": 3})
    version = store.catalog.versions()[-1]
    (key, *_) = store.files.names("models")
    claims = store.claims(ROUND)
    with claimed(store.files, ROUND, "slow round") as claim:
        inputs = StageInputs(
            workspace=store.url,
            plan=plan,
            version=version,
            model=model_document(store, key),
            claim=claim.number,
        )
        claims.dismiss()
        with pytest.raises(ClaimLostError, match="commits nothing"):
            commit_round.fn(inputs, pl.DataFrame())
        assert store.catalog.versions()[-1] == version
    with claimed(store.files, ROUND, "round"), pytest.raises(ClaimedError):
        em_round(store.url, small_settings(review={"mode": "skip"}))


def test_a_round_begins_only_where_it_may(store: Workspace, prefect: None) -> None:
    settings = small_settings(review={"mode": "skip"})
    state: State[None] = em_round(store.url, settings, begin="never", return_state=True)
    assert (state.name, state.message) == (NOTHING_TO_DO, "no round waits to go on")
    document = json.loads(store.files.read_bytes(result_path(1)))
    store.files.write_bytes(result_path(1), json.dumps(document | {"stop": "few gain"}).encode())
    state = em_round(store.url, settings, begin="worthwhile", return_state=True)
    assert (state.name, state.message) == (NOTHING_TO_DO, "no further round is worth it: few gain")
    assert store.files.names("rounds") == ["0", "1"]
