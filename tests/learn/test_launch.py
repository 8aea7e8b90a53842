"""Training under torchrun: any number of processes, progress, failure."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from small_workspace import descendants, plan_in

from scalemai_core.errors import TrainingError, UsageError
from scalemai_core.learn.train.launch import launch_training
from scalemai_core.learn.weights import load_weights
from scalemai_core.records.progress import TrainingProgress
from scalemai_core.records.training import TrainingPlan
from scalemai_core.settings.engine import ComputeSettings
from scalemai_core.settings.learning import TrainSettings
from scalemai_core.store.workspace import Workspace

ONE, TWO = ComputeSettings(), ComputeSettings(train_processes=2)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.create(str(tmp_path_factory.mktemp("workspace")))


@pytest.fixture(scope="module")
def plan(workspace: Workspace) -> TrainingPlan:
    settings = TrainSettings(
        steps=6,
        batch=2,
        accumulate=2,
        clip_norm=1.0,
        ema_decay=0.9,
        mixed=False,
    )
    return plan_in(workspace, train=settings)


def trained(
    workspace: Workspace, plan: TrainingPlan, compute: ComputeSettings
) -> tuple[bytes, list[TrainingProgress]]:
    """Weights, and what was told meanwhile."""
    told: list[TrainingProgress] = []
    launch_training(plan, compute, told.append)
    return workspace.files.read_bytes(plan.weights), told


@pytest.fixture(scope="module")
def by_two(workspace: Workspace, plan: TrainingPlan) -> tuple[bytes, list[TrainingProgress]]:
    return trained(workspace, plan.model_copy(update={"key": "by-2"}), TWO)


def test_two_processes_learn_what_one_learns(
    workspace: Workspace, plan: TrainingPlan, by_two: tuple[bytes, list[TrainingProgress]]
) -> None:
    _, told = trained(workspace, plan.model_copy(update={"key": "by-1"}), ONE)
    one, two = told[-1], by_two[1][-1]
    assert one.step == one.steps == two.step == 6
    assert one.gradient_norm > plan.train.clip_norm
    assert two.loss == pytest.approx(one.loss, abs=1e-4)
    assert two.gradient_norm == pytest.approx(one.gradient_norm, rel=1e-4)
    assert one.composition == two.composition
    weights = [
        load_weights(workspace.files, f"models/{key}/fold_0.safetensors").tensors
        for key in ("by-1", "by-2")
    ]
    flat_one, flat_two = (
        torch.cat([each[name].flatten() for name in sorted(each)]) for each in weights
    )
    apart = flat_one - flat_two
    assert float(apart.norm() / flat_one.norm()) < 1e-4
    # Of the rest, rounding made or unmade a step: where a gradient is next to nothing.
    assert float((apart.abs() < 1e-4).float().mean()) > 0.999


def test_two_machines_learn_what_two_processes_of_one_learn(
    workspace: Workspace, plan: TrainingPlan, by_two: tuple[bytes, list[TrainingProgress]]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    machine = ComputeSettings(nodes=2, rendezvous=f"127.0.0.1:{port}")
    own = plan.model_copy(update={"key": "by-two-machines"})
    with ThreadPoolExecutor() as pool:
        one, other = pool.map(lambda _: trained(workspace, own, machine), range(2))
    assert one[0] == other[0] == by_two[0]
    assert sorted(bool(told) for _, told in (one, other)) == [False, True]


def test_a_run_that_fails_says_why(plan: TrainingPlan) -> None:
    lost = plan.model_copy(update={"init": "models/none/fold_0.safetensors"})
    with pytest.raises(TrainingError, match="no weights at models/none"):
        launch_training(lost, ONE, lambda _: None)


def test_an_impossible_plan_is_refused_before_anything_starts(plan: TrainingPlan) -> None:
    with pytest.raises(UsageError, match="multiple of the 3 processes"):
        launch_training(plan, ComputeSettings(train_processes=3), lambda _: None)
    with pytest.raises(UsageError, match=r"compute\.rendezvous"):
        launch_training(plan, ComputeSettings(nodes=2), lambda _: None)
    with pytest.raises(UsageError, match="no case"):
        launch_training(plan.model_copy(update={"cases": ()}), ONE, lambda _: None)


def test_an_interrupted_run_leaves_no_process_behind(plan: TrainingPlan) -> None:
    long = plan.model_copy(
        update={"train": plan.train.model_copy(update={"steps": 100_000}), "key": "interrupted"}
    )
    running: set[int] = set()
    others = descendants(os.getpid())  # a Prefect server of other tests, for one

    def interrupt(_: TrainingProgress) -> None:
        running.update(set(descendants(os.getpid())) - set(others))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch_training(long, TWO, interrupt)
    assert len(running) >= 3
    assert not {pid for pid in running if Path(f"/proc/{pid}").exists()}
