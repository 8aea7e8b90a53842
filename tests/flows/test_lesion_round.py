"""A round on patients with lesions: candidates, reports, questions, and what gold says."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import polars as pl
import pytest
from command_line import Scalemai
from small_population import offer, small_settings

from flows.em_round import em_round
from flows.ingest import ingest
from scalemai_core.records.round import RoundResult
from scalemai_core.store.workspace import Workspace
from scalemai_core.synthesize.degrade import DegradeSettings
from scalemai_core.synthesize.phantoms import PhantomSettings
from scalemai_core.synthesize.population import write_population
from scalemai_core.synthesize.report import ReportSettings
from tasks.detection import detection_report
from tasks.lesions import CANDIDATES, POINTS
from tasks.tracking.consumer import load_model

pytestmark = [pytest.mark.flow, pytest.mark.slow]

LESIONS = {"liver_lesion": 1.5, "kidney_cyst": 1.5, "pancreatic_cyst": 1.0}
ORGANS = ("liver", "kidney_left", "kidney_right", "pancreas_head", "pancreas_tail")
PHANTOMS = PhantomSettings(
    spacing_mm=8.0,
    lesion_numbers=LESIONS,
    healthy_share=0.3,
    report=ReportSettings(),
    structures=(*ORGANS, *LESIONS),
)
SETTINGS = small_settings(
    review={"mode": "simulate"},
    lesions={"min_voxels": 1, "min_mm3": 0.0},
    decide={"budget": 0.5},
)


@pytest.fixture(scope="module")
def workspace(prefect: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """After one round."""
    folder = tmp_path_factory.mktemp("lesions")
    for name, start, count, degrade in (
        ("population", 0, 6, DegradeSettings(fault_share=0.2, unknown_share=0.4)),
        ("truth", 0, 6, None),
        ("gold", 6, 6, None),
    ):
        write_population(
            folder / name, seed=3, count=count, start=start, settings=PHANTOMS, degrade=degrade
        )
    store = Workspace.create(str(folder / "ws"), patient_key="key")
    assert ingest(offer(store.url, folder / "population"), SETTINGS.compute)
    assert ingest(offer(store.url, folder / "gold", gold=True), SETTINGS.compute)
    result = em_round(store.url, SETTINGS, str(folder / "truth"))
    assert isinstance(result, RoundResult)
    return folder


def test_the_round_tells_what_became_of_every_candidate(workspace: Path) -> None:
    store = Workspace.open(str(workspace / "ws"))
    result = RoundResult.model_validate(store.read_json("rounds/1/result.json"))
    assert result.lesions is not None
    candidates = store.round(1).read(CANDIDATES)
    assert result.lesions.candidates == candidates.height > 0
    assert sum(result.lesions.fates.values()) == candidates.height
    assert set(store.round(1).read(POINTS)["site"]) <= {"liver", "kidney", "pancreas"}
    page = (workspace / "ws" / "rounds" / "1" / "round.html").read_text()
    assert "<h2>Lesions</h2>" in page


def test_every_model_is_measured_on_gold_that_it_never_saw(workspace: Path) -> None:
    store = Workspace.open(str(workspace / "ws"))
    for key in store.files.names("models"):
        report = detection_report(store, key)
        assert report is not None
        assert {site.point.site for site in report.sites} <= {"liver", "kidney", "pancreas"}
        assert not any(site.point.reached for site in report.sites)  # far too few patients
        registered = list((workspace / "ws").rglob(f"{key}*/lesions.json"))
        assert registered


def test_a_consumer_gets_the_candidates_from_the_operating_points_on(workspace: Path) -> None:
    registry = f"sqlite:///{workspace / 'ws' / 'mlflow' / 'mlflow.db'}"
    (result,) = load_model("models:/scalemai/1", registry).predict(
        str(next((workspace / "truth").glob("case_*/ct.nii.gz")))
    )
    assert isinstance(result["lesions"], list)
    for one in result["lesions"]:
        assert one["site"] in {"liver", "kidney", "pancreas"}
        assert 0.0 < one["probability"] <= 1.0
    chances = [one["probability"] for one in result["lesions"]]
    assert chances == sorted(chances, reverse=True)


def test_what_readers_answered_is_what_annotations_say(workspace: Path) -> None:
    store = Workspace.open(str(workspace / "ws"))
    latest = store.catalog.latest()
    assert latest is not None
    rows = store.catalog.annotations(latest).filter(pl.col("structure").is_in(list(LESIONS)))
    told = rows.filter(pl.col("origin").is_in(["human", "report"]))
    assert told.height
    assert all(told["reason"].to_list())
    by_report = told.filter(pl.col("origin") == "report")
    assert by_report["reason"].str.contains("report").all()


def test_reports_come_in_later_and_bad_rows_are_named(
    workspace: Path, scalemai: Scalemai, tmp_path: Path
) -> None:
    table = tmp_path / "reports.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("case", "report"))
        rows.writerow(("case_0001", "FINDINGS: No focal liver lesion."))
        rows.writerow(("nobody", "FINDINGS: No focal liver lesion."))
        rows.writerow(("case_0002", ""))
    answered = scalemai("reports", workspace / "ws", table, "--json")
    assert answered.code == 0, answered.err
    said = json.loads(answered.out)
    assert [one["reason"] for one in said["rejected"]] == ["unknown_scan", "empty_report"]
    store = Workspace.open(str(workspace / "ws"))
    version = store.catalog.version(said["version"]["number"])
    scans = store.catalog.scans(version).filter(pl.col("case") == "case_0001")
    assert set(scans["report"]) == {"FINDINGS: No focal liver lesion."}
    again = scalemai("reports", workspace / "ws", table, "--json")
    assert json.loads(again.out)["version"] is None


def test_a_table_that_is_none_is_a_mistake_in_one_line(
    workspace: Path, scalemai: Scalemai, tmp_path: Path
) -> None:
    (tmp_path / "reports.csv").write_text("name;age\na;3\n")
    answered = scalemai("reports", workspace / "ws", tmp_path / "reports.csv")
    assert answered.code == 2
    assert len(answered.err.strip().splitlines()) == 1
