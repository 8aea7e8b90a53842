"""The repository's deployments on a real Prefect server, started as a scheduler would."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from running_services import ROOT, Room

WAIT_SECONDS = 900
Document = dict[str, Any]


class Deployed:
    """Deployments, by the names that they have in ``deployments/prefect.yaml``."""

    def __init__(self, ending: str) -> None:
        self.ending = ending
        self._http = httpx.Client(base_url=os.environ["PREFECT_API_URL"], timeout=30)

    def deployment(self, name: str) -> Document:
        """What the server knows of one."""
        return self._get(f"deployments/name/{name}/{name}{self.ending}")

    def automations(self) -> list[Document]:
        """Those that start one of the deployments."""
        ours = self.deployment("em-round")["id"]
        found = self.post("automations/filter", {})
        return [a for a in found if any(act.get("deployment_id") == ours for act in a["actions"])]

    def run(self, name: str, **parameters: Any) -> Document:
        """Let the worker run one to its end; the flow run."""
        path = f"deployments/{self.deployment(name)['id']}/create_flow_run"
        return self.ended(self.post(path, {"parameters": parameters})["id"])

    def ended(self, run_id: str) -> Document:
        """The flow run, once it is over."""
        over = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
        return wait(lambda: self._get(f"flow_runs/{run_id}"), lambda run: run["state_type"] in over)

    def runs(self, name: str) -> list[Document]:
        """All flow runs of a deployment, oldest first."""
        wanted = {"deployments": {"id": {"any_": [self.deployment(name)["id"]]}}}
        found = self.post("flow_runs/filter", wanted)
        return sorted(found, key=lambda run: run["created"])

    def task_runs(self, flow_run: Document) -> list[Document]:
        """Task runs of a flow run, subflows as tasks among them."""
        wanted = {"flow_runs": {"id": {"any_": [flow_run["id"]]}}}
        return self.post("task_runs/filter", wanted)

    def artifacts(self, flow_run: Document) -> list[Document]:
        """What a flow run left for people to read."""
        wanted = {"artifacts": {"flow_run_id": {"any_": [flow_run["id"]]}}}
        return self.post("artifacts/filter", wanted)

    def post(self, path: str, body: Document) -> Any:
        """One request that must succeed."""
        answer = self._http.post(f"/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def remove(self) -> None:
        """Take the deployments and their automations away."""
        for automation in self.automations():
            self._http.delete(f"/automations/{automation['id']}").raise_for_status()
        for name in ("ingest", "em-round", "release"):
            self._http.delete(f"/deployments/{self.deployment(name)['id']}").raise_for_status()

    def _get(self, path: str) -> Any:
        answer = self._http.get(f"/{path}")
        answer.raise_for_status()
        return answer.json()


@contextmanager
def deployed(room: Room) -> Iterator[Deployed]:
    """``prefect deploy --all`` with the room's workspace and settings, and gone afterwards."""
    ending = f"-{room.model}"
    document = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())
    for one in document["deployments"]:
        if one["name"] == "em-round":
            one["parameters"] = {"workspace": room.workspace, "settings": room.settings()}
            for trigger in one["triggers"]:
                trigger["match"]["prefect.resource.id"] = f"scalemai.review.{room.workspace}"
        one["name"] += ending
    with tempfile.TemporaryDirectory() as scratch:
        written = Path(scratch) / "prefect.yaml"
        written.write_text(yaml.safe_dump(document))
        command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
        done = subprocess.run(
            [*command, "--prefect-file", str(written)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT_SECONDS,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    found = Deployed(ending)
    try:
        yield found
    finally:
        found.remove()


def wait(look: Callable[[], Any], happened: Callable[[Any], bool]) -> Any:
    """What is seen once it happened."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not happened(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    return found
