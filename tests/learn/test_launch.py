"""Training under torchrun: any number of processes, progress, failure."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from memory import grid_of, make_plan, paint

from scalemai_core.errors import TrainingError, UsageError
from scalemai_core.learn.launch import launch_training
from scalemai_core.learn.weights import load_weights
from scalemai_core.records.label_map import Layer
from scalemai_core.records.training import TrainingCase, TrainingPlan
from scalemai_core.settings.learning import TrainSettings
from scalemai_core.store.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.create(str(tmp_path_factory.mktemp("workspace")))


@pytest.fixture(scope="module")
def plan(workspace: Workspace) -> TrainingPlan:
    cases: list[TrainingCase] = []
    for seed in range(4):
        image_zyx, labels = paint(seed)
        scan_id = workspace.scans.write(image_zyx, grid_of(), {})
        maps: dict[Layer, str | None] = {
            layer: workspace.labels.write(labels_zyx, scan_id, layer, grid_of())
            for layer, labels_zyx in labels.items()
        }
        cases.append(
            TrainingCase(scan_id=scan_id, patient=str(seed), grid=grid_of(), label_maps=maps)
        )
    settings = TrainSettings(steps=4, batch=2, learning_rate=1e-3)
    return make_plan(cases, workspace=workspace.url, train=settings)


def test_two_processes_learn_what_one_learns(workspace: Workspace, plan: TrainingPlan) -> None:
    weights = []
    for processes in (1, 2):
        progress: list[dict[str, Any]] = []
        own = plan.model_copy(update={"key": f"by-{processes}"})
        launch_training(own, processes, progress.append)
        assert progress[-1]["step"] == progress[-1]["steps"] == 4
        assert progress[-1]["loss"] > 0
        weights.append((load_weights(workspace.files, own.weights).tensors, progress[-1]["loss"]))
    (one, one_loss), (two, two_loss) = weights
    assert two_loss == pytest.approx(one_loss, rel=1e-3)
    # bfloat16 and Adam turn rounding into whole steps where a gradient is next to nothing (a bias
    # before a normalisation), so that single weights may differ by some steps of 1e-3.
    flat_one, flat_two = (
        torch.cat([each[name].flatten() for name in sorted(one)]) for each in (one, two)
    )
    different = (flat_one - flat_two).abs()
    assert float(different.max()) < 4 * 2e-3
    assert float(different.quantile(0.9)) < 5e-4
    assert float(different.median()) < 1e-4


def test_a_run_that_fails_says_why(plan: TrainingPlan) -> None:
    lost = plan.model_copy(update={"init": "models/none/fold_0.safetensors"})
    with pytest.raises(TrainingError, match="no weights at models/none"):
        launch_training(lost, 1, lambda _: None)


def test_an_impossible_plan_is_refused_before_anything_starts(plan: TrainingPlan) -> None:
    with pytest.raises(UsageError, match="multiple of the 3 processes"):
        launch_training(plan, 3, lambda _: None)
    with pytest.raises(UsageError, match="no case"):
        launch_training(plan.model_copy(update={"cases": ()}), 1, lambda _: None)


def test_an_interrupted_run_leaves_no_process_behind(plan: TrainingPlan) -> None:
    long = plan.model_copy(
        update={"train": plan.train.model_copy(update={"steps": 100_000}), "key": "interrupted"}
    )
    running: set[int] = set()
    others = descendants(os.getpid())  # a Prefect server of other tests, for one

    def interrupt(_: dict[str, Any]) -> None:
        running.update(set(descendants(os.getpid())) - set(others))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch_training(long, 2, interrupt)
    assert len(running) >= 3
    assert not {pid for pid in running if Path(f"/proc/{pid}").exists()}


def descendants(root: int) -> set[int]:
    """Processes below ``root``."""
    parent_of: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
        parent_of[int(status.parent.name)] = int(fields[1])
    below = {root}
    for _ in parent_of:
        below |= {pid for pid, parent in parent_of.items() if parent in below}
    return below - {root}
