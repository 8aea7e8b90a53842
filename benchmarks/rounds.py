"""Rounds of the label-quality benchmark: the engine's own tasks, with another policy plugged in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import polars as pl
from arms import Policy
from prefect import Task

from scalemai_core.learn.train.launch import launch_training
from scalemai_core.records.decision import Candidate
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.training import TrainingPlan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.settings.engine import ComputeSettings, EngineSettings
from scalemai_core.store.workspace import Workspace
from tasks.audit import AUDITS, CHANGES, draw_round_audit
from tasks.decide import (
    DECISIONS,
    QUESTIONS,
    decide_round,
    round_allowance,
    train_expert,
)
from tasks.judge import judge_shard
from tasks.judgements import judgements
from tasks.label_index import index_shard, plan_index
from tasks.lesions import settle_lesions
from tasks.predict import predict_shard
from tasks.questions import pose_questions, questioned_scans
from tasks.rehearse import choose_practice, rehearse_shard
from tasks.review import end_review
from tasks.revise import commit_round, revise_shard
from tasks.round import judged_scans, plan_path, revisable_scans
from tasks.simulate import simulate_shard
from tasks.stage import plan_stage, stage_rows
from tasks.train import plan_training, publish_model


def plan_round(workspace: str, number: int, settings: EngineSettings) -> RoundPlan:
    """The plan of a round on the newest dataset version."""
    store = Workspace.open(workspace)
    base = store.catalog.latest()
    if base is None:
        raise SystemExit(f"{workspace} is empty")
    plan = RoundPlan(
        number=number,
        base_version=base.number,
        model_key=None,
        settings=settings,
        code_version="benchmark",
        started=datetime.now(UTC),
    )
    store.write_document(plan_path(number), plan)
    return plan


def train(
    workspace: str, plan: RoundPlan, version: DatasetVersion, parent: ModelDocument | None
) -> ModelDocument:
    """The fold models of a dataset version, side by side; label maps are indexed before."""
    for shard in plan_index.fn(workspace, plan, version):
        index_shard.fn(workspace, version, shard, unseen=False)
    trainings = plan_training.fn(workspace, plan, version, parent, frozenset())
    with ThreadPoolExecutor(max_workers=plan.settings.compute.workers) as pool:
        weights = list(pool.map(lambda one: train_fold(one, plan.settings.compute), trainings))
    return publish_model.fn(workspace, plan, version, trainings, weights)


def train_fold(training: TrainingPlan, compute: ComputeSettings) -> str:
    """One fold model, without a task run and a run in MLflow."""
    launch_training(training, compute, lambda _: None)
    return training.weights


def judged_round(inputs: StageInputs) -> pl.DataFrame:
    """Predict and judge; the table that every policy decides on. These phantoms have no lesions."""
    stage("predict", predict_shard, inputs, judged_scans(inputs))
    stage("judge", judge_shard, inputs, judged_scans(inputs))
    settle_lesions.fn(inputs, pl.DataFrame(), pl.DataFrame())
    return pl.concat(list(judgements(inputs)))


def decide_as_engine(inputs: StageInputs, table: pl.DataFrame) -> None:
    """The engine's own decisions."""
    practised = stage("rehearse", rehearse_shard, inputs, choose_practice.fn(inputs, [table]))
    expert = train_expert.fn(inputs, [table], practised)
    decide_round.fn(inputs, [table], expert)
    scans = revisable_scans(inputs)
    composed = stage("compose", revise_shard, inputs, scans, answered=False)
    draw_round_audit.fn(inputs, [composed])
    pose_questions.fn(inputs)


def decide_by(policy: Policy, inputs: StageInputs, table: pl.DataFrame) -> None:
    """Another policy's decisions, in the engine's own tables."""
    plan = inputs.plan
    tables = Workspace.open(inputs.workspace).round(plan.number)
    own = table.filter(pl.col("candidate") == Candidate.CURRENT.value)
    decided = policy(own, round_allowance(inputs), plan.settings.seed + plan.number).with_columns(
        otherwise="action",
        candidate=pl.lit(Candidate.PREDICTION.value),
        candidate_map=pl.lit(None, dtype=pl.String),
        reason=pl.lit("the arm's policy"),
        quality=pl.lit(0.5),
    )
    questions = decided.filter(pl.col("action") == "review").select(
        "scan_id",
        "structure",
        priority="worth",
        reason="reason",
        seconds=pl.lit(0.0),
        rival=pl.lit(Candidate.PREDICTION.value),
        rival_map=pl.lit(None, dtype=pl.String),
        kind=pl.lit("choose"),
        candidate_id=pl.lit(None, dtype=pl.String),
    )
    tables.write(QUESTIONS, questions)
    tables.write(AUDITS, questions.clear())
    tables.write(CHANGES, questions.clear().select("scan_id", "structure"))
    tables.write(DECISIONS, decided)
    pose_questions.fn(inputs)


def finish_round(inputs: StageInputs, truth: str) -> DatasetVersion:
    """Simulated review, and the corrected dataset version."""
    said = Workspace.open(inputs.workspace).review_log(inputs.plan.number).read()
    stage("review", simulate_shard, inputs, questioned_scans(inputs), truth=truth, said=said)
    end_review.fn(inputs)
    revised = stage("revise", revise_shard, inputs, revisable_scans(inputs), answered=True)
    return commit_round.fn(inputs, [revised])


def stage(
    name: str, work: Task[..., Any], inputs: StageInputs, scans: tuple[str, ...], **more: Any
) -> pl.DataFrame:
    """A sharded stage in this process; what the ledger has is not done again."""
    for shard in plan_stage.fn(name, inputs, scans):
        work.fn(inputs, shard, **more)
    return stage_rows(name, inputs)
