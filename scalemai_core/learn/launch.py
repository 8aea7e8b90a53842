"""Starts a training run under torchrun, listens to it, and never leaves a process behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scalemai_core.errors import TrainingError, UsageError
from scalemai_core.records.training import TrainingPlan

LAST_LINES = 40
"""torchrun's own report of a failure, with the traceback, fits."""

GRACE_SECONDS = 10.0
"""Time torchrun has to end its ranks."""


def launch_training(
    plan: TrainingPlan, processes: int, on_progress: Callable[[dict[str, Any]], None]
) -> None:
    """Train one fold model and return when its weights are written.

    ``on_progress`` gets ``step``, ``steps``, ``loss``, ``seconds`` about every two seconds. Raises
    TrainingError with the last lines of a run that failed, UsageError for an impossible plan.
    """
    if not plan.cases:
        raise UsageError(f"fold {plan.fold} of {plan.key} has no case to train on")
    if plan.train.batch % processes:
        raise UsageError(
            f"train.batch {plan.train.batch} must be a multiple of the {processes} processes"
        )
    with tempfile.TemporaryDirectory(prefix="scalemai-train-") as folder:
        plan_file = Path(folder) / "plan.json"
        plan_file.write_text(plan.model_dump_json())
        process = subprocess.Popen(
            _command(plan_file, processes),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            env=os.environ | {"OMP_NUM_THREADS": str(plan.threads)},
        )
        try:
            last_lines = _listen(process, on_progress)
            code = process.wait()
        finally:
            _end(process)
    if code != 0:
        said = "\n".join(last_lines)
        raise TrainingError(f"training fold {plan.fold} of {plan.key} ended with {code}:\n{said}")


def _command(plan_file: Path, processes: int) -> list[str]:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    module = ["-m", "scalemai_core.learn.train", str(plan_file)]
    return [*torchrun, f"--nproc-per-node={processes}", *module]


def _listen(
    process: subprocess.Popen[str], on_progress: Callable[[dict[str, Any]], None]
) -> list[str]:
    """Pass progress on until the run closes its output; the last lines that were none."""
    last_lines: deque[str] = deque(maxlen=LAST_LINES)
    for line in process.stdout or ():
        progress = _progress(line)
        if progress is None:
            last_lines.append(line.rstrip())
        else:
            on_progress(progress)
    return list(last_lines)


def _progress(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        progress = json.loads(line)
    except ValueError:
        return None
    return progress if isinstance(progress, dict) and "step" in progress else None


def _end(process: subprocess.Popen[str]) -> None:
    """End torchrun, and let it end its ranks: no signal to its group would reach them."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # the ranks notice within one report that they lost their parent
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
