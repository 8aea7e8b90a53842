"""Training: fold models of one dataset version become one registered model version."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from prefect import flow
from prefect.futures import PrefectFuture, as_completed

from flows.stages import run_stage
from scalemai_core.judge.decisions.promote import Promotion
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.training import TrainingPlan
from scalemai_core.records.version import DatasetVersion, ModelVersion
from tasks.bundle import publish_bundle
from tasks.claim import check_claim
from tasks.detection import (
    champion_detection_scans,
    detect_shard,
    detection_scans,
    lesions_beside,
    measure_lesions,
)
from tasks.evaluate import evaluate_shard, gold_scores, judge_promotion, open_gold_test
from tasks.label_index import index_shard, plan_index, unindexed_scans
from tasks.lesions import read_shard, reported_scans
from tasks.patience import gather, patient
from tasks.placement import free_gpus, placed, training_nodes
from tasks.publish import keep_model, promote_model, register_model
from tasks.round import champion_gold_scans, gold_scans, rival
from tasks.train import plan_training, publish_model, train_fold, train_on_node


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A registered model, and what gold says of it."""

    document: ModelDocument
    version: ModelVersion
    promotion: Promotion


@flow(name="training", flow_run_name="round {plan.number}, dataset {version.number}")
def train_model(
    workspace: str,
    plan: RoundPlan,
    version: DatasetVersion,
    parent: ModelDocument | None,
    left_out: frozenset[str] = frozenset(),
    claim: int | None = None,
) -> Trained:
    """Train a model a fold, register the ensemble, and let gold decide whether it is champion.

    Where every mask is on hold there is nothing to learn from: the parent stays the newest model.
    Raises ClaimLostError, and makes no model known, where another process plays the round by now.
    """
    unreadable = _index(workspace, plan, version, unseen=parent is None)
    trainings = plan_training(workspace, plan, version, parent, left_out | unreadable)
    if parent is not None and not trainings:
        kept, why = keep_model(workspace, plan, parent)
        return Trained(document=parent, version=kept, promotion=why)
    model = publish_model(workspace, plan, version, trainings, _train(plan, trainings, claim))
    champion = rival(workspace, plan, model)
    inputs = StageInputs(workspace=workspace, plan=plan, version=version, model=model, claim=claim)
    beaten = None if champion is None else inputs.model_copy(update={"model": champion})
    open_gold_test(inputs)
    scores = _evaluate(inputs, beaten)
    lesions = _measure_lesions(inputs, beaten)
    check_claim(workspace, claim)
    registered = register_model(workspace, plan, version, model)
    promotion = judge_promotion(inputs, scores, lesions, champion=champion is not None)
    check_claim(workspace, claim)
    promote_model(workspace, plan, registered, promotion)
    publish_bundle(inputs, registered, promotion, scores)
    return Trained(document=model, version=registered, promotion=promotion)


def _train(plan: RoundPlan, trainings: tuple[TrainingPlan, ...], claim: int | None) -> list[str]:
    """Paths of the weights: folds side by side, or one after another on all machines."""
    compute, tracking, number = plan.settings.compute, plan.settings.tracking, plan.number
    free_gpus(compute)
    if compute.nodes > 1:
        for training in trainings:
            _train_on_nodes(training, plan, claim)
    # What several machines have trained is there: its run is closed, with pictures.
    alone = compute.model_copy(update={"nodes": 1})
    with placed("train", compute):
        futures = [train_fold.submit(one, alone, tracking, number, claim) for one in trainings]
    return [future.result() for future in futures]


def _train_on_nodes(training: TrainingPlan, plan: RoundPlan, claim: int | None) -> None:
    """One torchrun a machine, all with the same plan; the first that fails ends the training."""
    tracking, number = plan.settings.tracking, plan.number
    futures: list[PrefectFuture[None]] = []
    for machine, node in enumerate(training_nodes(plan.settings.compute), start=1):
        with placed("train", node.compute, node.worker):
            futures.append(
                train_on_node.submit(training, node.compute, tracking, number, claim, machine)
            )
    for future in as_completed(futures):
        future.result()


def _index(
    workspace: str, plan: RoundPlan, version: DatasetVersion, *, unseen: bool
) -> frozenset[str]:
    """Find where structures lie in label maps that are new; scans that cannot be read."""
    shards, compute = plan_index(workspace, plan, version), plan.settings.compute
    work = patient(index_shard, compute)
    futures = [work.submit(workspace, version, shard, unseen=unseen) for shard in shards]
    for _ in gather(workspace, shards, futures, version.scans, compute):
        pass
    return unindexed_scans(workspace, plan, version)


def _measure_lesions(inputs: StageInputs, champion: StageInputs | None) -> pl.DataFrame | None:
    """Operating points and what they are worth, and what the champion finds at its own."""
    scans = detection_scans(inputs)
    if not scans:
        return None
    detected = run_stage("detect", detect_shard, inputs, scans)
    reports = run_stage("reports-of-gold", read_shard, inputs, reported_scans(inputs, scans))
    measure_lesions(inputs, detected.rows, reports.rows)
    if champion is None:
        return lesions_beside(inputs, detected.rows, None)
    wanted = champion_detection_scans(champion)
    others = run_stage("detect", detect_shard, champion, wanted)
    return lesions_beside(inputs, detected.rows, others.rows, others.failed)


def _evaluate(inputs: StageInputs, champion: StageInputs | None) -> pl.DataFrame:
    """Challenger and champion on the gold scans; a champion already scored is not run again."""
    new = run_stage("evaluate", evaluate_shard, inputs, gold_scans(inputs)).rows
    old = None
    if champion is not None:
        old = run_stage("evaluate", evaluate_shard, champion, champion_gold_scans(champion)).rows
    return gold_scores(inputs.workspace, inputs.version, new, old)
