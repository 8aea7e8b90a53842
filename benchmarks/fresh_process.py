"""An arm of a benchmark in a process of its own, so that it pays its own imports and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def told(
    name: str, command: Sequence[str | Path], threads: int | None = None, **environment: str
) -> Any:
    """The JSON that a command prints in its last line; ``printed`` says the rest."""
    return json.loads(printed(name, command, threads, **environment).splitlines()[-1])


def printed(
    name: str, command: Sequence[str | Path], threads: int | None = None, **environment: str
) -> str:
    """What a command prints; ends the benchmark where it fails.

    ``threads`` is how many it may compute on; without it, as many as this process.
    """
    limits = {} if threads is None else dict.fromkeys(THREADS, str(threads))
    paths = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
    finished = subprocess.run(
        command,
        env={**os.environ, **limits, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        sys.exit(f"{name} failed ({finished.returncode}): {finished.stderr[-2000:]}")
    return finished.stdout
