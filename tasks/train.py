"""Training: the fold models of one dataset version."""

from __future__ import annotations

import logging

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.learn.plans import training_plans
from scalemai_core.learn.teaching import COLUMNS
from scalemai_core.learn.train.example import patch_examples
from scalemai_core.learn.train.launch import launch_training
from scalemai_core.learn.volumes import StoredVolumes
from scalemai_core.page.draw.patch import draw_patch
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.progress import TrainingProgress
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.stratum import Stratum
from scalemai_core.records.training import TrainingPlan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.settings.engine import ComputeSettings, TrackingSettings
from scalemai_core.store.catalog.rows import scans_of
from scalemai_core.store.workspace import Workspace
from scalemai_core.synthesize.tumour.misses import missed_strata
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.detection import detection_report
from tasks.tracking.training import TrainingRun
from tasks.watch import Watch

log = logging.getLogger("scalemai.train")

PICTURES = 3
"""Patches that are drawn when a fold model is finished."""


@task(task_run_name="plan the fold models", cache_policy=NO_CACHE)
def plan_training(
    workspace: str,
    plan: RoundPlan,
    version: DatasetVersion,
    parent: ModelDocument | None,
    left_out: frozenset[str],
) -> tuple[TrainingPlan, ...]:
    """A plan a model, from what the dataset version knows; scans set aside are left out."""
    store = Workspace.open(workspace)
    scans = [s for s in scans_of(store.catalog.scans(version)) if s.scan_id not in left_out]
    annotations = store.catalog.annotations(version, columns=COLUMNS)
    return training_plans(workspace, scans, annotations, plan, parent, _missed(store, plan, parent))


def _missed(store: Workspace, plan: RoundPlan, parent: ModelDocument | None) -> tuple[Stratum, ...]:
    """What the last model missed on gold ``fit``, where tumours are to be drawn accordingly."""
    if parent is None or not plan.settings.tumours.targeted:
        return ()
    report = detection_report(store, parent.key)
    return () if report is None else missed_strata(report)


@task(task_run_name="train {training.title}", cache_policy=NO_CACHE)
def train_fold(
    training: TrainingPlan,
    compute: ComputeSettings,
    tracking: TrackingSettings,
    number: int,
    claim: int | None,
) -> str:
    """Train one fold model of round ``number`` with torchrun unless its weights are there; returns
    their path.

    Stops with ClaimLostError, soon after another process has begun to play the round.
    """
    store = Workspace.open(training.workspace)
    run = TrainingRun(store, tracking, training)
    if run.finished and store.files.exists(training.weights):
        log.info("%s: trained before, nothing to do", training.title)
        return training.weights
    watch = Watch(training, run, number, claim, compute.train_processes)
    try:
        launch_training(training, compute, watch)
        run.finish(_pictures(store, training))
    except BaseException:
        run.fail()
        raise
    return training.weights


@task(task_run_name="train {training.title}, machine {machine}", cache_policy=NO_CACHE)
def train_on_node(
    training: TrainingPlan,
    compute: ComputeSettings,
    tracking: TrackingSettings,
    number: int,
    claim: int | None,
    machine: int,
) -> None:
    """One machine's part of a training on several; the one that hears of progress tells of it."""
    store = Workspace.open(training.workspace)
    heard: list[tuple[TrainingRun, Watch]] = []

    def hear(progress: TrainingProgress) -> None:
        if not heard:
            run = TrainingRun(store, tracking, training)
            processes = compute.train_processes * compute.nodes
            heard.append((run, Watch(training, run, number, claim, processes)))
        heard[0][1](progress)

    try:
        launch_training(training, compute, hear)
    except BaseException:
        for run, _ in heard:
            run.fail()
        raise
    log.info("machine %d: %s is trained", machine, training.title)


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
    paths = {training.fold: path for training, path in zip(trainings, weights, strict=True)}
    document = ModelDocument(
        key=first.key,
        taxonomy_version=str(load_taxonomy().version),
        channels=first.channels,
        network=first.network,
        input=first.input,
        folds=tuple(path for fold, path in paths.items() if fold is not None),
        refit=paths.get(None),
        round=plan.number,
        dataset_version=version.number,
        code_version=plan.code_version,
    )
    Workspace.open(workspace).write_document(document.path, document)
    return document


def _pictures(store: Workspace, training: TrainingPlan) -> dict[str, bytes]:
    """Patches of the training: image, labels, and what the finished network says."""
    examples = patch_examples(training, StoredVolumes(store), store.files, PICTURES)
    return {
        f"patch-{number}.png": draw_patch(one.image_zyx, one.labels_zyx, one.predicted_zyx)
        for number, one in enumerate(examples, start=1)
    }
