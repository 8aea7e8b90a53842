"""E-step: predict every scan out of fold, judge every annotation, decide what happens to it."""

from __future__ import annotations

from prefect import flow

from flows.stages import run_stage
from scalemai_core.records.stage import StageInputs
from tasks.decide import decide_round
from tasks.judge import judge_shard
from tasks.predict import predict_shard
from tasks.round import judged_scans


@flow(name="expectation", flow_run_name="round {inputs.plan.number}")
def expectation(inputs: StageInputs) -> frozenset[str]:
    """Decisions and review items of the round are stored; returns the scans set aside."""
    predicted = run_stage("predict", predict_shard, inputs, judged_scans(inputs))
    judged = run_stage("judge", judge_shard, inputs, predicted.scans)
    decide_round(inputs, judged.rows)
    return predicted.failed | judged.failed
