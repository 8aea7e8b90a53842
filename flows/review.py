"""Review: people, or a truth that stands in for them, answer the round's questions."""

from __future__ import annotations

from prefect import flow

from flows.stages import run_stage
from scalemai_core.errors import UsageError
from scalemai_core.records.stage import StageInputs
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.store.workspace import Workspace
from tasks.dataset import model_document
from tasks.honeypots import hide_honeypots
from tasks.placement import same_workers
from tasks.questions import posed_items, questioned_scans
from tasks.review import end_review, fill_queue, open_queue, refill, waiting_round
from tasks.review_events import ASKED, tell
from tasks.round import base_version, open_round
from tasks.runtime import workers
from tasks.simulate import simulate_shard
from tasks.truth import refuse_foreign_truth
from tasks.views import shown_scans, store_views, view_shard


@flow(name="review", flow_run_name="round {inputs.plan.number}")
def review(inputs: StageInputs, truth: str | None) -> int:
    """How many questions still keep the round waiting; with none left, the review is closed."""
    mode = inputs.plan.settings.review.mode
    if mode == "simulate":
        if truth is None:
            raise UsageError("a simulated review needs a truth: give --truth SOURCE")
        simulated_answers.with_options(task_runner=same_workers())(inputs, truth)
    if mode == "wait":
        hide_honeypots(inputs)
        store_views(inputs, run_stage("views", view_shard, inputs, shown_scans(inputs)).rows)
        waiting = fill_queue(inputs)
        if waiting:
            tell(ASKED, Workspace.open(inputs.workspace).url, inputs.plan.number)
            return len(waiting)
    end_review(inputs)
    return 0


@flow(name="simulated readers", flow_run_name="round {inputs.plan.number}")
def simulated_answers(inputs: StageInputs, truth: str) -> int:
    """Answers to all that is open; their number."""
    scans = questioned_scans(inputs)
    refuse_foreign_truth(inputs, scans, truth)
    said = Workspace.open(inputs.workspace).review_log(inputs.plan.number).read()
    return run_stage("review", simulate_shard, inputs, scans, truth=truth, said=said).rows.height


@flow(name="simulate-review", flow_run_name="{workspace}")
def simulate_review(workspace: str, settings: EngineSettings, truth: str) -> int:
    """Let a truth answer what a waiting round still asks; how many answers that were."""
    store = Workspace.open(workspace)
    number = waiting_round(store)
    if number is None:
        raise UsageError(f"no round of {workspace} waits for people")
    critics = {item.prediction for item in posed_items(store, number) if item.prediction}
    if not critics:
        return 0
    plan = open_round(workspace, settings)
    inputs = StageInputs(
        workspace=workspace,
        plan=plan,
        version=base_version(workspace, plan),
        # The plan of a first round names no model: it was trained within the round.
        model=model_document(store, critics.pop()),
    )
    with workers(settings.compute) as runner:
        answers = simulated_answers.with_options(task_runner=runner)(inputs, truth)
    refill(store, open_queue(store, settings.review), plan.number)
    return answers
