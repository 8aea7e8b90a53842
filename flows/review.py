"""Review: people, or a truth that stands in for them, answer the round's questions."""

from __future__ import annotations

from prefect import flow

from flows.stages import run_stage
from scalemai_core.errors import UsageError
from scalemai_core.records.stage import StageInputs
from tasks.review import fill_queue
from tasks.simulate import simulate_shard


@flow(name="review", flow_run_name="round {inputs.plan.number}")
def review(inputs: StageInputs, truth: str | None) -> int:
    """Fill the queue and return how many questions still keep the round waiting."""
    questions = fill_queue(inputs)
    mode = inputs.plan.settings.review.mode
    if mode == "wait":
        return len(questions)
    if mode == "simulate":
        if truth is None:
            raise UsageError("a simulated review needs a truth: give --truth SOURCE")
        scans = tuple(sorted({item.scan_id for item in questions}))
        run_stage("review", simulate_shard, inputs, scans, truth=truth)
    return 0
