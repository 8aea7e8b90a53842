"""A round as a team runs it: deployed, on Dask workers, in a bucket, its queue in PostgreSQL."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import mlflow
import mlflow.artifacts
import psycopg
import pytest
from deployed import Deployed, Document, wait
from running_services import Room, libpq, named_services
from small_population import GOLD_PATIENTS, PATIENTS, offer, small_settings
from sqlalchemy import make_url

from flows.em_round import AWAITING_REVIEW, em_round
from flows.ingest import ingest
from flows.review import simulate_review
from scalemai_core.records.round import RoundResult
from scalemai_core.settings.file import parse_settings
from scalemai_core.store.workspace import Workspace
from tasks.review_events import DONE, tell
from tasks.round import result_path
from tasks.titles import artifact_key, workspace_title

pytestmark = pytest.mark.services

KEY = "key of the patients"


@dataclass(frozen=True)
class Played:
    """A round that the worker played in two runs, people between them."""

    store: Workspace
    asked: Document
    answered: int
    finished: Document

    @property
    def result(self) -> RoundResult:
        """What the round says of itself."""
        return RoundResult.model_validate(self.store.read_json(result_path(1)))


@pytest.fixture(scope="module")
def played(our_room: Room, prefect: Deployed, sources: Path) -> Played:
    """Ingestions, a round up to its questions, answers, and the rest by the automation."""
    store = Workspace.create(our_room.workspace, patient_key=KEY)
    settings = our_room.settings()
    offered = offer(store.url, sources / "population").model_dump(mode="json")
    run = prefect.run("ingest", offer=offered, compute=settings["compute"])
    assert run["state_type"] == "COMPLETED", run["state"]
    ingest(offer(store.url, sources / "gold", gold=True), parse_settings(settings).compute)
    asked = prefect.run("em-round")
    assert asked["state_type"] == "COMPLETED", asked["state"]
    answered = simulate_review(store.url, parse_settings(settings), str(sources / "truth"))
    tell(DONE, store.url, 1)
    again = wait(lambda: prefect.runs("em-round"), lambda runs: len(runs) > 1)[1]
    return Played(store, asked, answered, prefect.ended(again["id"]))


@pytest.fixture(scope="module")
def alone(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The same round on a disk, in this process, with SQLite for queue and tracking."""
    store = Workspace.create(str(tmp_path_factory.mktemp("alone") / "ws"), patient_key=KEY)
    settings = small_settings(review={"mode": "wait"})
    ingest(offer(store.url, sources / "population"), settings.compute)
    ingest(offer(store.url, sources / "gold", gold=True), settings.compute)
    state: Any = em_round(store.url, settings, return_state=True)
    assert state.name == AWAITING_REVIEW
    simulate_review(store.url, settings, str(sources / "truth"))
    assert isinstance(em_round(store.url, settings), RoundResult)
    return store


def test_the_first_run_ends_by_asking_people(played: Played, our_room: Room) -> None:
    assert played.asked["state_name"] == AWAITING_REVIEW
    assert played.answered > 0
    with psycopg.connect(libpq(make_url(our_room.database))) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchone()
    assert tables is not None
    assert tables[0] > 0, "the questions lay in PostgreSQL"


def test_the_last_answer_starts_the_round_again_and_it_ends(played: Played) -> None:
    assert played.finished["state_type"] == "COMPLETED", played.finished["state"]
    assert played.result.dataset_version == 3
    assert played.result.failed_scans == 0
    assert played.result.reviewed > 0


def test_every_version_is_the_one_that_a_disk_and_one_process_make(
    played: Played, alone: Workspace
) -> None:
    ours = [(v.number, v.round, v.digest) for v in played.store.catalog.versions()]
    assert ours == [(v.number, v.round, v.digest) for v in alone.catalog.versions()]
    assert len(ours) == 3


def test_prefects_page_asks_the_server_that_it_came_from() -> None:
    server = os.environ["PREFECT_API_URL"]
    told = httpx.get(f"{server.removesuffix('/api')}/ui-settings", timeout=30).json()
    assert told["api_url"] == server


def test_prefects_page_shows_what_a_person_can_follow(played: Played, prefect: Deployed) -> None:
    assert played.finished["name"] == f"round 1 of {workspace_title(played.store.url)}"
    stages = {task["name"] for task in prefect.task_runs(played.finished)}
    assert len(stages) > 3
    artifacts = prefect.artifacts(played.finished)
    (report,) = [one for one in artifacts if one["type"] == "markdown"]
    assert report["key"] == artifact_key(played.store.url, "round-1")
    assert str(played.result.changed) in report["data"]


def test_the_model_and_its_artifacts_come_back_from_the_tracking_server(
    played: Played, our_room: Room, tmp_path: Path
) -> None:
    uri = named_services()["tracking"]["uri"]
    client = mlflow.MlflowClient(uri, uri)
    versions = client.search_model_versions(f"name = '{our_room.model}'")
    assert {int(version.version) for version in versions} == {1, played.result.model_version}
    newest = max(versions, key=lambda version: int(version.version))
    assert newest.run_id is not None
    run = client.get_run(newest.run_id)
    assert run.info.artifact_uri is not None
    assert run.info.artifact_uri.startswith("mlflow-artifacts:")
    files = {file.path for file in client.list_artifacts(newest.run_id)}
    assert "round.html" in files
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    package = mlflow.artifacts.download_artifacts(
        f"models:/{our_room.model}/{newest.version}", dst_path=str(tmp_path)
    )
    assert list(Path(package).rglob("*.safetensors"))


def test_a_released_version_holds_every_patient(
    played: Played, prefect: Deployed, tmp_path: Path
) -> None:
    run = prefect.run(
        "release", workspace=played.store.url, number=3, folder=str(tmp_path / "nnunet")
    )
    assert run["state_type"] == "COMPLETED", run["state"]
    images = list((tmp_path / "nnunet").rglob("*_0000.nii.gz"))
    assert 0 < len(images) <= PATIENTS + GOLD_PATIENTS


def test_rounds_queue_up_behind_one_another_and_have_a_timetable(prefect: Deployed) -> None:
    for name in ("ingest", "em-round"):
        deployment = prefect.deployment(name)
        assert deployment["global_concurrency_limit"]["limit"] == 1
        assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE"
    (schedule,) = prefect.deployment("em-round")["schedules"]
    assert schedule["schedule"]["cron"] == "0 2 * * *"
    assert not schedule["active"], "until somebody gave it a workspace and switched it on"
    names = {automation["name"] for automation in prefect.automations()}
    assert len(names) == 2
