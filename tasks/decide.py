"""Decision: the round's expert, one table over all judgements, and the questions people get."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.judge.decisions.budget import Allowance, allowance, spend_budget, within_budget
from scalemai_core.judge.decisions.decide import decide
from scalemai_core.judge.expert.appraisal import appraise
from scalemai_core.judge.expert.expert import Expert, fit_expert
from scalemai_core.judge.lesions.ask import with_lesions
from scalemai_core.records.annotation import State
from scalemai_core.records.expert import ExpertReport
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.catalog.blocks import Blocks
from scalemai_core.store.workspace import Workspace
from tasks.verdicts import KEY, answers_before, masks_opened

log = logging.getLogger("scalemai.decide")

DECISIONS, QUESTIONS, ITEMS = "decisions", "questions", "items"
"""Tables of a round; items are the questions and the audits as people are asked them."""
LESION_QUESTIONS, LESION_ACTIONS = "lesion-questions", "lesion-actions"
"""Questions about lesion candidates, and what follows for the annotations."""
OPINIONS = "opinions"
"""Table of what the second expert said; only rounds that asked one have it."""


@task(task_run_name="train the expert", cache_policy=NO_CACHE)
def train_expert(
    inputs: StageInputs, judged: Iterable[pl.DataFrame], practised: pl.DataFrame
) -> Expert:
    """Fit the round's expert and store it with what is known of it."""
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    expert = fit_expert(judged, practised, plan.settings.expert, plan.settings.seed)
    report = expert.report
    if expert.score is not None:
        store.files.write_bytes(expert_path(plan), expert.score.dumps())
    store.write_document(expert_report_path(plan), report)
    log.info(
        "expert: practised on %d masks of %d patients (%s), may act in %s",
        report.masks,
        report.patients,
        report.source,
        ", ".join(sorted(expert.enabled)) or "no family of structures",
    )
    return expert


@task(task_run_name="decide every annotation", cache_policy=NO_CACHE)
def decide_round(inputs: StageInputs, judged: Iterable[pl.DataFrame], expert: Expert) -> None:
    """Appraise, run the decision table, spend the review budget; store decisions and questions."""
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    tables = store.round(plan.number)
    if tables.has(DECISIONS):
        return
    decided = decisions(inputs, judged, expert)
    lesions, actions = tables.read(LESION_QUESTIONS), tables.read(LESION_ACTIONS)
    left = round_allowance(inputs).questions - lesions.unique(KEY).height
    asked = spend_budget(decided, max(left, 0))
    tables.write(QUESTIONS, pl.concat([lesions, asked], how="diagonal_relaxed"))
    tables.write_blocks(
        DECISIONS, (with_lesions(within_budget(block, asked), actions) for block in decided)
    )


def decisions(inputs: StageInputs, judged: Iterable[pl.DataFrame], expert: Expert) -> Blocks:
    """What the decision table says of every annotation, some scans at a time."""
    tables = Workspace.open(inputs.workspace).round(inputs.plan.number)
    settings = inputs.plan.settings
    opinions = None
    if tables.has(OPINIONS):
        opinions = tables.read(OPINIONS).select(*KEY, second="opinion")

    def decided(block: pl.DataFrame) -> pl.DataFrame:
        if opinions is not None:
            block = block.join(opinions, on=KEY, how="left", maintain_order="left")
        trusted = trusts(inputs.model, inputs.plan)
        return decide(block, settings.decide, settings.expert, out_of_fold=trusted)

    appraised = appraised_round(inputs, judged, expert)
    return Blocks(lambda: map(decided, appraised))


def appraised_round(
    inputs: StageInputs, judged: Iterable[pl.DataFrame], expert: Expert
) -> Iterable[pl.DataFrame]:
    """What every annotation and its candidates are worth, with what people said before."""
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    answers = answers_before(store, plan)
    return appraise(judged, expert, answers, plan.settings.expert, plan.settings.review)


def round_allowance(inputs: StageInputs) -> Allowance:
    """Masks that people may open in this round, questions and audits apart."""
    store = Workspace.open(inputs.workspace)
    return allowance(
        masks=num_masks(store, inputs.version),
        opened=masks_opened(store, inputs.plan.number),
        settings=inputs.plan.settings.decide,
    )


def num_masks(store: Workspace, version: DatasetVersion) -> int:
    """Distinct masks: annotations with a known state, gold left out."""
    gold = store.catalog.scans(version).filter(pl.col("gold").is_not_null())["scan_id"]
    mask = (pl.col("state") != State.UNKNOWN.value) & ~pl.col("scan_id").is_in(gold.to_list())
    blocks = store.catalog.blocks(version, ["scan_id", "state"])
    return sum(rows.filter(mask).height for rows in blocks)


def out_of_fold(model: ModelDocument, plan: RoundPlan) -> bool:
    """Whether the critic never saw what it judges."""
    return len(model.folds) > 1 and plan.settings.predict.out_of_fold


def trusts(model: ModelDocument, plan: RoundPlan) -> bool:
    """Whether the critic may convict annotations: it never saw them, or the settings say so."""
    return out_of_fold(model, plan) or plan.settings.decide.trust_in_sample


def expert_report(store: Workspace, plan: RoundPlan) -> ExpertReport:
    """How good the round's expert is."""
    return ExpertReport.model_validate(store.read_json(expert_report_path(plan)))


def expert_documents(store: Workspace, plan: RoundPlan) -> dict[str, bytes]:
    """The round's expert as files: what is known of it, and its score where it learned one."""
    paths = (expert_report_path(plan), expert_path(plan))
    return {
        path.rpartition("/")[2]: store.files.read_bytes(path)
        for path in paths
        if store.files.exists(path)
    }


def expert_path(plan: RoundPlan) -> str:
    """Where a round's expert lies."""
    return f"rounds/{plan.number}/expert.skops"


def expert_report_path(plan: RoundPlan) -> str:
    """Where it is said how good that expert is."""
    return f"rounds/{plan.number}/expert.json"
