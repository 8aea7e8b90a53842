"""Deployments on a server: cron makes runs, one at a time, and answers start a round again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prefect_server import ROOT, PrefectServer

pytestmark = [pytest.mark.flow, pytest.mark.slow]

WORKSPACE = "/data/ws"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """What ships."""
    return yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    compose = yaml.safe_load((ROOT / "infra" / "compose.yaml").read_text())
    name = "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"
    ships = compose["services"]["prefect"]["environment"]
    started = PrefectServer(tmp_path_factory.mktemp("server") / "prefect", {name: ships[name]})
    yield started
    started.stop()


def test_three_flows_are_deployed_one_round_at_a_time(document: dict[str, Any]) -> None:
    by_name = {one["name"]: one for one in document["deployments"]}
    assert set(by_name) == {"ingest", "em-round", "release"}
    for one in by_name.values():
        path, _, flow = one["entrypoint"].partition(":")
        assert f"def {flow}(" in (ROOT / path).read_text()
    assert by_name["em-round"]["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}
    assert by_name["em-round"]["schedules"][0]["active"] is False


def em_round(document: dict[str, Any], written: Path, **schedule: Any) -> Path:
    """The deployment of the round alone, with a workspace, in a file."""
    deployed = [dict(one) for one in document["deployments"] if one["name"] == "em-round"]
    deployed[0]["parameters"] = deployed[0]["parameters"] | {"workspace": WORKSPACE}
    deployed[0]["schedules"] = [deployed[0]["schedules"][0] | schedule]
    written.write_text(yaml.safe_dump(document | {"deployments": deployed}))
    return written


def test_the_last_answer_starts_the_round_again(
    server: PrefectServer, document: dict[str, Any], tmp_path: Path
) -> None:
    server.deploy(em_round(document, tmp_path / "prefect.yaml"))
    assert server.runs() == []
    tell = f"from tasks.review_events import DONE, tell; tell(DONE, '{WORKSPACE}', 1)"
    server.run("-c", tell)
    server.wait(lambda: len(server.runs()) == 1)
    (run,) = server.runs()
    assert run["parameters"]["workspace"] == WORKSPACE
    assert run["parameters"]["begin"] == "never"
    assert run["state_type"] in ("SCHEDULED", "PENDING")


def test_cron_makes_runs_and_two_of_them_never_run_at_the_same_time(
    server: PrefectServer, document: dict[str, Any], tmp_path: Path
) -> None:
    server.deploy(em_round(document, tmp_path / "prefect.yaml", cron="*/5 * * * *", active=True))
    server.wait(lambda: len(scheduled(server)) > 1)
    first, second, *_ = scheduled(server)
    assert {first["parameters"]["workspace"], second["parameters"]["workspace"]} == {WORKSPACE}
    assert first["parameters"]["begin"] == "worthwhile"
    assert first["expected_start_time"][14:19] != second["expected_start_time"][14:19]
    # What a worker asks for before it starts a run; until it has ended, no other gets it.
    assert propose(server, first, "PENDING") == "ACCEPT"
    assert propose(server, second, "PENDING") == "REJECT"
    (waiting,) = [run for run in server.runs() if run["id"] == second["id"]]
    assert waiting["state_name"] == "AwaitingConcurrencySlot"
    server.stop()
    server.start()  # and does not forget who has the only place
    server.wait(server.runs)
    (running,) = [run for run in server.runs() if run["id"] == first["id"]]
    lease = running["state"]["state_details"]["deployment_concurrency_lease_id"]
    renewal = f"{server.api}/v2/concurrency_limits/leases/{lease}/renew"
    assert httpx.post(renewal, json={}).status_code == httpx.codes.NO_CONTENT
    assert propose(server, first, "COMPLETED") == "ACCEPT"
    assert propose(server, second, "PENDING") == "ACCEPT"


def scheduled(server: PrefectServer) -> list[dict[str, Any]]:
    """Runs that cron made."""
    return [run for run in server.runs() if run["auto_scheduled"]]


def propose(server: PrefectServer, run: dict[str, Any], state: str) -> str:
    """What the server says to a new state of a run."""
    answer = server.post(f"flow_runs/{run['id']}/set_state", {"state": {"type": state}})
    return str(answer["status"])
