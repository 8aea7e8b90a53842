"""The deployment starts a round again when its review is done."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

pytestmark = pytest.mark.flow

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 120


class PrefectServer:
    """A server in a process of its own, and Prefect's command line beside it."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.api = f"http://127.0.0.1:{port}/api"
        kept = {name: v for name, v in os.environ.items() if not name.startswith("PREFECT_")}
        self.environment = kept | {"PREFECT_HOME": str(home), "PREFECT_API_URL": self.api}
        command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
        self.process = subprocess.Popen(
            command,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.wait(lambda: httpx.get(f"{self.api}/health").status_code == httpx.codes.OK)

    def run(self, *command: str) -> None:
        subprocess.run(
            [sys.executable, *command],
            env=self.environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            timeout=WAIT_SECONDS,
        )

    def runs(self) -> list[dict]:
        found = httpx.post(f"{self.api}/flow_runs/filter", json={})
        found.raise_for_status()
        return found.json()

    def wait(self, happened) -> None:  # noqa: ANN001 - a condition
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                if happened():
                    return
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, "it never happened"
            time.sleep(0.5)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PrefectServer]:
    started = PrefectServer(tmp_path / "prefect")
    yield started
    os.killpg(started.process.pid, signal.SIGTERM)
    started.process.wait(30)


def test_the_last_answer_starts_the_round_again(server: PrefectServer, tmp_path: Path) -> None:
    document = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())
    deployed = [one for one in document["deployments"] if one["name"] == "em-round"]
    deployed[0]["parameters"]["workspace"] = "/data/ws"
    written = tmp_path / "prefect.yaml"
    written.write_text(yaml.safe_dump(document | {"deployments": deployed}))
    server.run("-m", "prefect", "work-pool", "create", "scalemai", "--type", "process")
    server.run("-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(written))
    assert server.runs() == []
    tell = "from tasks.review_events import DONE, tell; tell(DONE, '/data/ws', 1)"
    server.run("-c", tell)
    server.wait(lambda: len(server.runs()) == 1)
    (run,) = server.runs()
    assert run["parameters"]["workspace"] == "/data/ws"
    assert run["state_type"] in ("SCHEDULED", "PENDING")
