"""Starts a training run under torchrun, listens to it, and never leaves a process behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator

from pydantic import ValidationError

from scalemai_core.errors import TrainingError, UsageError
from scalemai_core.records.progress import TrainingProgress
from scalemai_core.records.training import TrainingPlan
from scalemai_core.settings.engine import ComputeSettings
from scalemai_core.store.workspace import Workspace

GIVEN_UP = "scalemai gives up: "
"""Begins the line in which a process tells of an error that a new start would not mend."""

LAST_LINES = 40
"""torchrun's own report of a failure, with the traceback, fits."""

GRACE_SECONDS = 10.0
"""Time torchrun has to end its ranks."""

RESTARTS = 3
"""How often torchrun starts all ranks again after one was killed."""

OWN_STORE_A_START = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
"""A store of addresses for each start. In the one that torchrun (2.13) would keep for all of them,
ranks that start again may find where their killed peers listened, and knock there until they give
up."""

OnProgress = Callable[[TrainingProgress], None]


def launch_training(plan: TrainingPlan, compute: ComputeSettings, on_progress: OnProgress) -> None:
    """Train one fold model and return when its weights are written.

    Goes on from the last checkpoint of a run that was killed; returns at once where the weights are
    there. On several machines, each calls this with the same plan and settings; the one that holds
    the first process hears of progress, about every two seconds. Raises TrainingError with the last
    lines of a run that failed, UsageError for an impossible plan.
    """
    processes = compute.train_processes * compute.nodes
    if not plan.cases:
        raise UsageError(f"{plan.title} of {plan.key} has no case to train on")
    plan.check_processes(processes)
    if compute.nodes > 1 and not compute.rendezvous:
        raise UsageError(
            f"compute.nodes is {compute.nodes}: name one of them in compute.rendezvous, HOST:PORT"
        )
    files = Workspace.open(plan.workspace).files
    if not files.exists(plan.weights):
        files.write_bytes(plan.document, plan.model_dump_json().encode())
        _run(plan, compute, on_progress)
    for left in (plan.checkpoint, plan.document):
        files.remove(left)


def _run(plan: TrainingPlan, compute: ComputeSettings, on_progress: OnProgress) -> None:
    process = subprocess.Popen(
        _command(plan, compute),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        env=os.environ | OWN_STORE_A_START | {"OMP_NUM_THREADS": str(plan.threads)},
    )
    last_lines: deque[str] = deque(maxlen=LAST_LINES)
    try:
        for line in _lines(process):
            progress = _progress(line)
            if progress is not None:
                on_progress(progress)
            else:
                last_lines.append(line)
                if line.startswith(GIVEN_UP):
                    break
        else:
            process.wait()
    finally:
        _end(process)
    if process.returncode != 0:
        said = "\n".join(last_lines)
        raise TrainingError(
            f"training {plan.title} of {plan.key} ended with {process.returncode}:\n{said}"
        )


def _command(plan: TrainingPlan, compute: ComputeSettings) -> list[str]:
    torchrun = [sys.executable, "-m", "torch.distributed.run", f"--max-restarts={RESTARTS}"]
    meeting = ["--standalone"]
    if compute.nodes > 1:
        meeting = [
            f"--nnodes={compute.nodes}",
            "--rdzv-backend=c10d",
            f"--rdzv-endpoint={compute.rendezvous}",
            f"--rdzv-id={plan.key}-{plan.fold}",
        ]
    module = ["-m", "scalemai_core.learn.train.process", plan.workspace, plan.document]
    return [*torchrun, *meeting, f"--nproc-per-node={compute.train_processes}", *module]


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """What the run says, until it closes its output."""
    for line in process.stdout or ():
        yield line.rstrip()


def _progress(line: str) -> TrainingProgress | None:
    if not line.startswith("{"):
        return None
    try:
        return TrainingProgress.model_validate_json(line)
    except ValidationError:
        return None


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
