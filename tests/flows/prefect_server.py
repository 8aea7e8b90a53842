"""A Prefect server in a process of its own, and Prefect's command line beside it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 900


class PrefectServer:
    """Up when it is made; ``stop`` ends it."""

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.api = f"http://127.0.0.1:{port}/api"
        kept = {name: v for name, v in os.environ.items() if not name.startswith("PREFECT_")}
        self.environment = kept | {"PREFECT_HOME": str(home), "PREFECT_API_URL": self.api}
        self.environment |= settings or {}
        self._command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
        self.start()

    def start(self) -> None:
        """Begin, or begin again."""
        self.process = subprocess.Popen(
            self._command,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.wait(lambda: httpx.get(f"{self.api}/health").status_code == httpx.codes.OK)

    def run(self, *command: str) -> None:
        """A Python command that must succeed."""
        subprocess.run(
            [sys.executable, *command],
            env=self.environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            timeout=WAIT_SECONDS,
        )

    def deploy(self, written: Path) -> None:
        """The deployments of a file, in the pool that they name."""
        self.run(
            "-m", "prefect", "work-pool", "create", "scalemai", "--type", "process", "--overwrite"
        )
        self.run("-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(written))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """A request that must succeed."""
        answer = httpx.post(f"{self.api}/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def runs(self) -> list[dict[str, Any]]:
        """All flow runs, the first expected first."""
        found: list[dict[str, Any]] = self.post("flow_runs/filter", {})
        return sorted(found, key=lambda run: run["expected_start_time"])

    def wait(self, happened: Callable[[], Any]) -> None:
        """Until it did."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                if happened():
                    return
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, "it never happened"
            time.sleep(0.5)

    def stop(self) -> None:
        """End it, and what it started."""
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(30)
