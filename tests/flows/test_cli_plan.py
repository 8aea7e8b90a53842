"""``scalemai plan`` reckons, and ``status`` tells the pace, with what rounds have measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Scalemai
from small_population import AfterOneRound

from scalemai_core.store.workspace import Workspace

pytestmark = pytest.mark.flow

WHOLE = ("--scans", 47315, "--voxels", 512, 512, 300, "--gpus", 8)


def test_an_empty_workspace_is_planned_with_assumed_rates(
    scalemai: Scalemai, tmp_path: Path
) -> None:
    store = Workspace.create(str(tmp_path / "ws"))
    found = scalemai("plan", store.url, *WHOLE, "--json").document
    assert found["work"] == {"scans": 47315, "voxels": 512 * 512 * 300.0, "left": {}}
    assert {stage["source"] for stage in found["stages"]} == {"assumed"}
    assert found["gpu_hours"] == pytest.approx(sum(s["gpu_hours"] for s in found["stages"]))
    assert found["hours_left"] == found["hours"] > 24
    told = scalemai("plan", store.url, *WHOLE, "--people", 50)
    assert told.code == 0
    assert "Rates marked 'assumed' were never measured here" in told.out
    assert "hours of people" in told.out


def test_nothing_to_plan_is_a_mistake_with_a_remedy(scalemai: Scalemai, tmp_path: Path) -> None:
    store = Workspace.create(str(tmp_path / "ws"))
    wrong = scalemai("plan", store.url)
    assert wrong.code == 2
    assert "--scans" in wrong.err


def test_a_round_measures_its_own_rates(scalemai: Scalemai, first_round: AfterOneRound) -> None:
    url = first_round.store.url
    found = scalemai("plan", url, "--json").document
    sources = {stage["stage"]: stage["source"] for stage in found["stages"]}
    assert sources["ingest"] == "ingestion"
    assert sources["predict"] == sources["judge"] == sources["train"] == "round 1"
    assert found["rates"]["storage"]["source"] == "measured"
    assert found["work"]["left"] == {"ingest": 0.0}
    on_gpus = scalemai("plan", url, *WHOLE, "--json").document
    sources = {stage["stage"]: stage["source"] for stage in on_gpus["stages"]}
    assert (sources["predict"], sources["judge"]) == ("assumed", "round 1")


def test_status_tells_what_every_stage_took(scalemai: Scalemai, first_round: AfterOneRound) -> None:
    paces = {
        row["stage"]: row
        for row in scalemai("status", first_round.store.url, "--json").document["pace"]
    }
    assert {"predict", "judge", "revise", "evaluate", "training fold 0"} <= paces.keys()
    assert paces["predict"]["set aside"] == 0
    assert paces["predict"]["left"] == "none"
    assert paces["predict"]["seconds each"] > 0
