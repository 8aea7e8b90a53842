"""Processes that the benchmark of killed rounds starts and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "from flows.cli import main; main()"


class Flow:
    """One run of the command line, in a process group of its own."""

    def __init__(self, *arguments: str) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            start_new_session=True,
        )

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None if it still runs then."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """As a crash would end it, without asking."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def ended(self, patience_s: float) -> tuple[int, str]:
        """Exit code and last words; a run that hangs is killed."""
        code = self.wait(patience_s)
        if code is None:
            self.kill()
            return 1, f"hung for {patience_s:.0f} s"
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return code, lines[-1] if lines else ""


def service(*command: str) -> None:
    """Kill or start a service; raises CalledProcessError with what was said."""
    script = str(ROOT / "infra" / "services")
    subprocess.run([sys.executable, script, *command], check=True, capture_output=True, timeout=300)


def kill_child(daemon: str) -> None:
    """End the biggest child of a daemon that the services' script started: a Dask worker."""
    note = Path(os.environ["SCALEMAI_SERVICES"], "run", f"{daemon}.pid")
    found = psutil.Process(int(note.read_text().split()[0])).children()
    if found:  # none where the last one was killed a moment ago
        max(found, key=lambda one: one.memory_info().rss).kill()
