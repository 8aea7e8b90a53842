"""Training: fold models of one dataset version become one registered model version."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from prefect import flow

from flows.stages import run_stage
from scalemai_core.judge.decisions.promote import Promotion
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import DatasetVersion, ModelVersion
from tasks.detection import detect_shard, detection_scans, measure_lesions
from tasks.evaluate import evaluate_shard, gold_scores, judge_promotion
from tasks.lesions import read_shard, reported_scans
from tasks.publish import promote_model, register_model
from tasks.round import gold_scans, rival
from tasks.train import plan_training, publish_model, train_fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A registered model, and what gold says of it."""

    document: ModelDocument
    version: ModelVersion
    promotion: Promotion
    gold: pl.DataFrame


@flow(name="training", flow_run_name="round {plan.number}, dataset {version.number}")
def train_model(
    workspace: str,
    plan: RoundPlan,
    version: DatasetVersion,
    parent: ModelDocument | None,
    left_out: frozenset[str] = frozenset(),
) -> Trained:
    """Train a model a fold, register the ensemble, and let gold decide whether it is champion."""
    trainings = plan_training(workspace, plan, version, parent, left_out)
    weights = [
        train_fold.submit(training, plan.settings.compute.train_processes) for training in trainings
    ]
    model = publish_model(workspace, plan, version, trainings, [w.result() for w in weights])
    champion = rival(workspace, plan, model)
    scores = _evaluate(workspace, plan, version, model, champion)
    _measure_lesions(StageInputs(workspace=workspace, plan=plan, version=version, model=model))
    registered = register_model(workspace, plan, version, model)
    promotion = judge_promotion(plan, scores, champion=champion is not None)
    promote_model(workspace, plan, registered, promotion)
    return Trained(document=model, version=registered, promotion=promotion, gold=scores)


def _measure_lesions(inputs: StageInputs) -> None:
    """Operating points and what they are worth, for a model that knows lesions."""
    scans = detection_scans(inputs)
    if scans:
        detected = run_stage("detect", detect_shard, inputs, scans)
        reports = run_stage("reports-of-gold", read_shard, inputs, reported_scans(inputs, scans))
        measure_lesions(inputs, detected.rows, reports.rows)


def _evaluate(
    workspace: str,
    plan: RoundPlan,
    version: DatasetVersion,
    model: ModelDocument,
    champion: ModelDocument | None,
) -> pl.DataFrame:
    """Challenger and champion on the gold scans; a champion already scored is not run again."""
    scored: list[pl.DataFrame] = []
    for document in (model, champion):
        if document is not None:
            inputs = StageInputs(workspace=workspace, plan=plan, version=version, model=document)
            scored.append(run_stage("evaluate", evaluate_shard, inputs, gold_scans(inputs)).rows)
    return gold_scores(workspace, version, *scored)
