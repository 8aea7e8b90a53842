"""One round of expectation-maximization: judge every label, ask people, retrain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import polars as pl
from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed
from prefect.task_runners import TaskRunner

from flows.clock import Clock
from flows.expectation import expectation
from flows.maximization import maximization
from flows.review import review
from flows.score import score
from flows.training import train_model
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.round import RoundPlan, RoundResult
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import DatasetVersion
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.store.documents.claim import ROUND, claimed
from scalemai_core.store.workspace import Workspace
from tasks.claim import check_claim
from tasks.publish import Outcome, finish_round
from tasks.round import (
    base_version,
    begin_with,
    critic_document,
    finished_rounds,
    next_round,
    open_round,
    unfinished_round,
)
from tasks.runtime import workers
from tasks.titles import workspace_title

AWAITING_REVIEW = "AwaitingReview"
WAITS = "{} questions wait for people; run the round again when answered"
NOTHING_TO_DO = "NothingToDo"
Begin = Literal["always", "worthwhile", "never"]


def _name() -> str:
    workspace = flow_run.parameters["workspace"]
    return f"round {next_round(workspace)} of {workspace_title(workspace)}"


@flow(name="em-round", flow_run_name=_name)
def em_round(
    workspace: str, settings: EngineSettings, truth: str | None = None, begin: Begin = "always"
) -> RoundResult | State[None]:
    """From one dataset version to the next, and from one model version to the next.

    Run it again after a crash or a review and it goes on where it stopped: the ledger and the
    workspace's documents hold all progress. Where none is unfinished, ``begin`` says whether a new
    one may begin: always, while the last found another worthwhile (method reference, section 1.8),
    or never. Raises ClaimedError where another process plays a round.
    """
    clock = Clock()
    store = Workspace.open(workspace)
    if why := _idle(store, begin):
        return Completed(name=NOTHING_TO_DO, message=why)
    holder = f"round {next_round(workspace)}"
    with claimed(store.files, ROUND, holder) as claim, workers(settings.compute) as runner:
        plan = open_round(workspace, settings)
        before = base_version(workspace, plan)
        critic = critic_document(workspace, plan)
        if critic is None:
            with clock.lap("first model"):
                plan, critic = _first_model(workspace, plan, before, claim.number, runner)
        inputs = StageInputs(
            workspace=workspace, plan=plan, version=before, model=critic, claim=claim.number
        )
        with clock.lap("expectation"):
            failed = expectation.with_options(task_runner=runner)(inputs)
        with clock.lap("review"):
            waiting = review.with_options(task_runner=runner)(inputs, truth)
        if waiting:
            return Completed(name=AWAITING_REVIEW, message=WAITS.format(waiting))
        with clock.lap("maximization"):
            after, trained, failed = maximization.with_options(task_runner=runner)(inputs, failed)
        outcome = Outcome(
            before=before,
            after=after,
            critic=critic,
            model=trained.version,
            promotion=trained.promotion,
            truth=_truth_scores(inputs, after, truth, clock, runner),
            failed=failed,
            seconds=clock.seconds,
        )
        check_claim(workspace, claim.number)
        return finish_round(workspace, plan, outcome)


def _first_model(
    workspace: str,
    plan: RoundPlan,
    before: DatasetVersion,
    claim: int,
    runner: TaskRunner[Any],
) -> tuple[RoundPlan, ModelDocument]:
    """The critic that a first round has to train for itself, and the plan that names it."""
    train = train_model.with_options(task_runner=runner)
    critic = train(workspace, plan, before, None, claim=claim).document
    check_claim(workspace, claim)
    return begin_with(workspace, plan, critic), critic


def _truth_scores(
    inputs: StageInputs,
    after: DatasetVersion,
    truth: str | None,
    clock: Clock,
    runner: TaskRunner[Any],
) -> pl.DataFrame:
    """What a truth says of the round's annotations; empty where none is given."""
    if truth is None:
        return pl.DataFrame()
    with clock.lap("scoring against the truth"):
        return score.with_options(task_runner=runner)(inputs, after, truth)


def _idle(store: Workspace, begin: Begin) -> str | None:
    """Why no round is played now."""
    if begin == "always" or unfinished_round(store) is not None:
        return None
    if begin == "never":
        return "no round waits to go on"
    results = finished_rounds(store)
    stop = results[-1].stop if results else None
    return f"no further round is worth it: {stop}" if stop else None


def begun_with(workspace: str) -> EngineSettings | None:
    """The settings of the round that is not finished; None where the next one would begin."""
    plan = unfinished_round(Workspace.open(workspace))
    return None if plan is None else plan.settings


def em_rounds(
    workspace: str, settings: EngineSettings, truth: str | None, most: int
) -> Iterator[State[Any]]:
    """Final states of up to ``most`` rounds; ends where people are waited for or nothing is left
    to win (method reference, section 1.8)."""
    for _ in range(most):
        state: State[Any] = em_round(workspace, settings, truth, return_state=True)
        yield state
        if state.name == AWAITING_REVIEW or state.result().stop is not None:
            return
