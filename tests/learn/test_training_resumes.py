"""A training that is killed and started again ends with the very same weights."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from small_workspace import descendants, plan_in, ranks

from scalemai_core.errors import TrainingError
from scalemai_core.learn.train.launch import launch_training
from scalemai_core.records.progress import TrainingProgress
from scalemai_core.records.training import TrainingPlan
from scalemai_core.settings.engine import ComputeSettings
from scalemai_core.settings.learning import TrainSettings
from scalemai_core.store.workspace import Workspace

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 5.0
TWO = ComputeSettings(train_processes=2)
SETTINGS = TrainSettings(
    steps=80,
    batch=2,
    learning_rate=1e-3,
    checkpoint_every=4,
    ema_decay=0.9,
    deterministic=True,
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.create(str(tmp_path_factory.mktemp("workspace")))


@pytest.fixture(scope="module")
def plan(workspace: Workspace) -> TrainingPlan:
    return plan_in(workspace, train=SETTINGS, key="quiet")


@pytest.fixture(scope="module")
def undisturbed(workspace: Workspace, plan: TrainingPlan) -> bytes:
    """Weights of a run that nothing happened to."""
    launch_training(plan, TWO, lambda _: None)
    return workspace.files.read_bytes(plan.weights)


def after_a_checkpoint(folder: Path, plan: TrainingPlan, strike: Callable[[], None]) -> Thread:
    """Strike as soon as a run has written a checkpoint of its own."""
    checkpoint = folder / plan.checkpoint
    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0

    def watch() -> None:
        while not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before:
            time.sleep(0.01)
        strike()

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    return watcher


def kill(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_a_killed_process_and_a_killed_job_change_no_byte_of_the_weights(
    workspace: Workspace, plan: TrainingPlan, undisturbed: bytes
) -> None:
    folder = workspace.files.folder
    assert folder is not None
    own = plan.model_copy(update={"key": "killed"})
    others = descendants(os.getpid())

    watcher = after_a_checkpoint(folder, own, lambda: kill(*descendants(os.getpid()) - others))
    with pytest.raises(TrainingError, match="training fold 0 of killed"):
        launch_training(own, TWO, lambda _: None)
    watcher.join(PATIENCE_SECONDS)
    assert not workspace.files.exists(own.weights)

    told: list[TrainingProgress] = []
    watcher = after_a_checkpoint(folder, own, lambda: kill(ranks()[1]))
    launch_training(own, TWO, told.append)
    watcher.join(PATIENCE_SECONDS)
    assert not watcher.is_alive(), "the run ended before it could be struck"
    assert told[-1].step == SETTINGS.steps
    assert workspace.files.read_bytes(own.weights) == undisturbed
    left = {path.name for path in (folder / "models" / "killed").iterdir()}
    assert left == {Path(own.weights).name}, "neither checkpoint nor scratch files stay"
    assert descendants(os.getpid()) <= others


def test_a_finished_training_is_not_run_again(
    workspace: Workspace, plan: TrainingPlan, undisturbed: bytes
) -> None:
    workspace.files.write_bytes(plan.checkpoint, b"left behind by a launcher that was killed")
    told: list[TrainingProgress] = []
    launch_training(plan, TWO, told.append)
    assert not told
    assert workspace.files.read_bytes(plan.weights) == undisturbed
    assert not workspace.files.exists(plan.checkpoint)
