"""Training: the fold models of one dataset version."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.learn.launch import launch_training
from scalemai_core.learn.plans import training_plans
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.training import TrainingPlan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.rows import scans_of
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

log = logging.getLogger("scalemai.train")

LOG_EVERY_SECONDS = 10


@task(task_run_name="plan the fold models", cache_policy=NO_CACHE)
def plan_training(
    workspace: str,
    plan: RoundPlan,
    version: DatasetVersion,
    parent: ModelDocument | None,
    left_out: frozenset[str],
) -> tuple[TrainingPlan, ...]:
    """One plan a fold, from what the dataset version knows; scans set aside are left out."""
    store = Workspace.open(workspace)
    scans = [s for s in scans_of(store.catalog.scans(version)) if s.scan_id not in left_out]
    annotations = store.catalog.annotations(version)
    return training_plans(workspace, scans, annotations, plan.settings, parent, load_taxonomy())


@task(task_run_name="train fold {training.fold}", cache_policy=NO_CACHE)
def train_fold(training: TrainingPlan, processes: int) -> str:
    """Train one fold model with torchrun unless its weights are there; returns their path."""
    store = Workspace.open(training.workspace)
    if store.files.exists(training.weights):
        log.info("fold %d: trained before, nothing to do", training.fold)
    else:
        launch_training(training, processes, _progress_log(training))
    return training.weights


@task(task_run_name="publish the fold models", cache_policy=NO_CACHE)
def publish_model(
    workspace: str,
    plan: RoundPlan,
    version: DatasetVersion,
    trainings: tuple[TrainingPlan, ...],
    weights: list[str],
) -> ModelDocument:
    """Write the document that makes the fold models one model."""
    first = trainings[0]
    document = ModelDocument(
        key=first.key,
        taxonomy_version=str(load_taxonomy().version),
        channels=first.channels,
        network=first.network,
        input=first.input,
        folds=tuple(weights),
        round=plan.number,
        dataset_version=version.number,
        code_version=plan.code_version,
    )
    Workspace.open(workspace).write_document(document.path, document)
    return document


def _progress_log(training: TrainingPlan) -> Callable[[dict[str, Any]], None]:
    last = [0.0]

    def show(progress: dict[str, Any]) -> None:
        step, steps = progress["step"], progress["steps"]
        if time.monotonic() - last[0] < LOG_EVERY_SECONDS and step < steps:
            return
        last[0] = time.monotonic()
        left = progress["seconds"] / max(step, 1) * (steps - step)
        log.info(
            "fold %d: step %d of %d, loss %.3f, %.0f s left",
            training.fold,
            step,
            steps,
            progress["loss"],
            left,
        )

    return show
