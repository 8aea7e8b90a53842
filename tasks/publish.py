"""The end of a round: a registered model, the round's result, and the page people read."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from scalemai_core.errors import UsageError
from scalemai_core.judge.decisions.confusion import by_judgement, by_people, by_truth
from scalemai_core.judge.decisions.decide import count_actions
from scalemai_core.judge.decisions.promote import Promotion
from scalemai_core.judge.decisions.stopping import stop_reason
from scalemai_core.judge.decisions.tally import (
    automatic,
    by_rule,
    by_structure,
    count_rules,
    mean_agreement,
    mean_evidence,
    own,
    score_truth,
)
from scalemai_core.page.report.curves import curve_files
from scalemai_core.page.report.gold import gold_files
from scalemai_core.page.report.markdown import pictures_markdown, round_markdown
from scalemai_core.page.report.page import Lineage, RoundReport, render_round
from scalemai_core.records.evidence import Evidence
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.review import ItemKind, Verdict
from scalemai_core.records.round import RoundPlan, RoundResult
from scalemai_core.records.version import DatasetVersion, ModelVersion
from scalemai_core.store.documents.ledger import step_key
from scalemai_core.store.workspace import Workspace
from tasks.audit import round_audit
from tasks.champion import appoint, appointed_before
from tasks.decide import (
    DECISIONS,
    ITEMS,
    expert_documents,
    expert_report,
    num_masks,
    out_of_fold,
)
from tasks.detection import detection_report
from tasks.examples import draw_examples
from tasks.lesion_masks import lesion_tally
from tasks.metrics import round_metrics
from tasks.pace import show_paces
from tasks.patience import reasons_set_aside
from tasks.round import finished_rounds, report_path, result_path
from tasks.titles import artifact_key
from tasks.tracking.registry import Tracker
from tasks.verdicts import KEY, masks_opened, minutes_of_people, verdicts_of_round

log = logging.getLogger("scalemai.publish")

PICTURES = 4
"""Examples in Prefect's artifact; the page shows them all."""

REPORTED = (
    *("scan_id", "structure", "state", "gold", "action", "reason", "gain", "dice", "better"),
    *("quality_current", "rival", "quality_rival", "findings_current", "message"),
    *Evidence.model_fields,
)
"""Columns of the decisions, one in four, that page and result are made of."""


@task(task_run_name="register the model", cache_policy=NO_CACHE)
def register_model(
    workspace: str, plan: RoundPlan, version: DatasetVersion, document: ModelDocument
) -> ModelVersion:
    """A model version in MLflow, tagged with dataset version, round and code version."""
    tracker = Tracker(Workspace.open(workspace), plan.settings.tracking)
    return tracker.register(document, version, plan.settings)


@task(task_run_name="keep the model", cache_policy=NO_CACHE)
def keep_model(
    workspace: str, plan: RoundPlan, parent: ModelDocument
) -> tuple[ModelVersion, Promotion]:
    """The model that a round began with, where no mask may teach another one."""
    version = Tracker(Workspace.open(workspace), plan.settings.tracking).registered(parent.key)
    if version is None:
        raise UsageError(f"model {parent.key} is not in the registry any more: nothing to keep")
    reason = "no new model: every mask is on hold, unknown or gold, so none may teach"
    log.warning("round %d: %s", plan.number, reason)
    return version, Promotion(promoted=False, reason=reason, score=None)


@task(task_run_name="move the champion", cache_policy=NO_CACHE)
def promote_model(
    workspace: str, plan: RoundPlan, model: ModelVersion, promotion: Promotion
) -> None:
    """Move the alias that consumers load, or say why it stays.

    Once a round: should a person have moved it back since, a round that goes on leaves it there.
    """
    verb = "promoted" if promotion.promoted else "not promoted"
    log.info("model %d %s: %s", model.version, verb, promotion.reason)
    store = Workspace.open(workspace)
    if promotion.promoted and not appointed_before(store, model, plan.number):
        appoint(
            store,
            plan.settings.tracking,
            model,
            by="round",
            reason=promotion.reason,
            newest_round=plan.number,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the stages of a round left behind."""

    before: DatasetVersion
    after: DatasetVersion
    critic: ModelDocument
    """The model that predicted."""
    model: ModelVersion
    """The model that was made."""
    promotion: Promotion
    truth: pl.DataFrame
    failed: frozenset[str]
    """Scans set aside."""
    seconds: dict[str, float]


@task(task_run_name="finish the round", cache_policy=NO_CACHE)
def finish_round(workspace: str, plan: RoundPlan, outcome: Outcome) -> RoundResult:
    """Write the page, log the numbers, then the result that closes the round."""
    store = Workspace.open(workspace)
    decisions = store.round(plan.number).read(DECISIONS, columns=REPORTED)
    result = _result(store, plan, outcome, decisions)
    report = _report(store, plan, outcome, result, decisions)
    page = render_round(report)
    markdown = round_markdown(result, report.history, report.detection)
    store.files.write_bytes(report_path(plan.number), page.encode())
    show_paces(store, plan.number)
    pictures = pictures_markdown(report.examples[:PICTURES])
    key = artifact_key(workspace, f"round-{plan.number}")
    create_markdown_artifact(f"{markdown}\n{pictures}", key=key, description="The round in short")
    documents = {
        "round.html": page.encode(),
        "round.md": markdown.encode(),
        **expert_documents(store, plan),
        **(curve_files(report.detection) if report.detection else {}),
        **(gold_files(result.gold, plan.settings.evaluate.margin_dice) if result.gold else {}),
    }
    tracker = Tracker(store, plan.settings.tracking)
    metrics = round_metrics(result, report.detection)
    tracker.log_round(outcome.model, plan.number, metrics, documents)
    store.write_document(result_path(plan.number), result)
    return result


def _report(
    store: Workspace,
    plan: RoundPlan,
    outcome: Outcome,
    result: RoundResult,
    decisions: pl.DataFrame,
) -> RoundReport:
    """Everything the page shows, out of the round's tables."""
    keep_quality = plan.settings.decide.keep_quality
    return RoundReport(
        result=result,
        settings=plan.settings,
        lineage=Lineage(
            model_key=outcome.model.key,
            seed=plan.settings.seed,
            settings_digest=step_key(settings=plan.settings.model_dump()),
            code_version=plan.code_version,
        ),
        structures=by_structure(decisions, outcome.truth),
        findings=by_rule(decisions, outcome.truth, keep_quality),
        judged=by_judgement(decisions, outcome.truth, keep_quality),
        outcome=by_truth(decisions, outcome.truth),
        people=by_people(decisions, *_whole_masks(store, plan)),
        history=finished_rounds(store),
        examples=draw_examples(store, decisions, outcome.before, outcome.after, outcome.critic),
        detection=detection_report(store, outcome.model.key),
    )


def _whole_masks(store: Workspace, plan: RoundPlan) -> tuple[pl.DataFrame, tuple[Verdict, ...]]:
    """Questions about masks and their answers; those about single lesions left out."""
    items = store.round(plan.number).read(ITEMS)
    verdicts = tuple(one for one in verdicts_of_round(store, plan) if one.on_mask)
    return items.filter(pl.col("kind") != ItemKind.LESION.value), verdicts


def _result(
    store: Workspace, plan: RoundPlan, outcome: Outcome, decisions: pl.DataFrame
) -> RoundResult:
    verdicts = verdicts_of_round(store, plan)
    opened = masks_opened(store, plan.number)
    audited = round_audit(store, plan)
    weights = store.catalog.annotations(outcome.after, columns=["weight"])["weight"]
    masks = num_masks(store, outcome.after)
    actions = own(decisions).select(*KEY, "action").collect()
    result = RoundResult(
        number=plan.number,
        base_version=outcome.before.number,
        dataset_version=outcome.after.number,
        model_version=outcome.model.version,
        promoted=outcome.promotion.promoted,
        promotion_reason=outcome.promotion.reason,
        scans=outcome.after.scans,
        failed_scans=len(outcome.failed),
        set_aside=reasons_set_aside(store, plan.number),
        masks=masks,
        decisions=count_actions(actions),
        changed=outcome.after.changed,
        changed_automatically=automatic(actions, verdicts).height,
        reviewed=len({(v.scan_id, v.structure) for v in verdicts}),
        reviewed_share=opened / masks if masks else 0.0,
        human_minutes=minutes_of_people(store, plan.number),
        held=int((weights == 0).sum()),
        audited=audited.audited,
        audit_errors=audited.errors,
        audit_population=audited.population,
        audit_upper_bound=audited.upper_bound,
        audit_width=audited.width,
        expert=expert_report(store, plan),
        evidence=mean_evidence(decisions),
        findings=count_rules(decisions),
        mean_agreement=mean_agreement(decisions),
        out_of_fold=out_of_fold(outcome.critic, plan),
        lesions=lesion_tally(store, plan),
        gold=outcome.promotion.score,
        truth=score_truth(outcome.truth, verdicts),
        seconds={name: round(value, 1) for name, value in outcome.seconds.items()},
        stop=None,
        finished=datetime.now(UTC),
    )
    stop = stop_reason((*finished_rounds(store), result), plan.settings.stop)
    return result.model_copy(update={"stop": stop})
