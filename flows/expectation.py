"""E-step: predict every scan out of fold, judge every annotation, decide what happens to it."""

from __future__ import annotations

from prefect import flow

from flows.stages import run_stage
from scalemai_core.records.stage import StageInputs
from tasks.audit import draw_round_audit
from tasks.decide import decide_round, train_expert
from tasks.judge import judge_shard
from tasks.judgements import judgements
from tasks.lesions import (
    compare_shard,
    lesion_scans,
    read_shard,
    reported_scans,
    settle_lesions,
)
from tasks.opinions import choose_pairs, gather_opinions, opine_shard
from tasks.predict import predict_shard
from tasks.questions import pose_questions
from tasks.rehearse import choose_practice, rehearse_shard
from tasks.revise import revise_shard
from tasks.round import judged_scans, revisable_scans


@flow(name="expectation", flow_run_name="round {inputs.plan.number}")
def expectation(inputs: StageInputs) -> frozenset[str]:
    """Decisions and review items of the round are stored; returns the scans set aside."""
    predicted = run_stage("predict", predict_shard, inputs, judged_scans(inputs))
    judged = run_stage("judge", judge_shard, inputs, predicted.scans)
    table = judgements(inputs)
    practised = run_stage("rehearse", rehearse_shard, inputs, choose_practice(inputs, table))
    expert = train_expert(inputs, table, practised.rows)
    if inputs.plan.settings.vision.url:
        doubtful = choose_pairs(inputs, table, expert)
        gather_opinions(inputs, run_stage("opinions", opine_shard, inputs, doubtful).rows)
    compared = run_stage("compare", compare_shard, inputs, lesion_scans(inputs, predicted.scans))
    reports = run_stage("reports", read_shard, inputs, reported_scans(inputs, predicted.scans))
    settle_lesions(inputs, compared.rows, reports.rows)
    decide_round(inputs, table, expert)
    composed = run_stage("compose", revise_shard, inputs, revisable_scans(inputs), answered=False)
    draw_round_audit(inputs, composed.blocks)
    pose_questions(inputs)
    return predicted.failed | judged.failed
