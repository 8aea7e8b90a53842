"""The audit: a random, blinded look at what the engine changed on its own."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.judge.decisions.audit import Audit, audit, audit_size, draw_audit
from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.review import ItemKind
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.stage import StageInputs
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.workspace import Workspace
from tasks.decide import DECISIONS, QUESTIONS, round_allowance
from tasks.verdicts import KEY, verdicts_of_round

log = logging.getLogger("scalemai.audit")

CHANGES = "automatic"
"""Table of the masks that differ after composition though nobody saw them."""

AUDITS = "audits"
"""Table of what the audit asks."""

SAID = "no mask is surely good"
"""What a reader is told of an audit where the round asks nothing else."""

TOUCHED = "touched"
"""Stratum of masks that no decision named: a neighbour's change took or left them voxels."""


@task(task_run_name="draw the audit", cache_policy=NO_CACHE)
def draw_round_audit(inputs: StageInputs, composed: Iterable[pl.DataFrame]) -> None:
    """A sample of the masks as composed, to be asked about beside the round's questions."""
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    tables, settings = store.round(plan.number), plan.settings.decide
    if tables.has(AUDITS):
        return
    none = pl.DataFrame(schema=dict.fromkeys((*KEY, "stratum", "label_map"), pl.String))
    posed = tables.read(QUESTIONS)
    found = (_changes(store, inputs, block, posed.select(KEY)) for block in composed)
    changes = pl.concat([none, *found]).sort(KEY)
    wanted = audit_size(changes.height, settings)
    size = min(wanted, round_allowance(inputs).audits)
    if size < wanted:
        log.info("audit: %d masks, %d would be needed for the wanted width", size, wanted)
    drawn = draw_audit(changes, size, plan.settings.seed + plan.number)
    items = drawn.select(
        *KEY,
        rival=pl.lit(Candidate.DECIDED.value),
        rival_map="label_map",
        kind=pl.lit(ItemKind.AUDIT.value),
    )
    choices = posed.filter(pl.col("kind") == ItemKind.CHOOSE.value)
    tables.write(CHANGES, changes)
    tables.write(AUDITS, items.hstack(alike(choices, items.height, plan.settings.review)))


def round_audit(store: Workspace, plan: RoundPlan) -> Audit:
    """What people found in a round's audit."""
    tables = store.round(plan.number)
    asked = set(tables.read(AUDITS).select(KEY).iter_rows())
    said = [v for v in verdicts_of_round(store, plan) if v.on_mask]
    answers = [v for v in said if (v.scan_id, v.structure) in asked]
    errors = sum(verdict.choice is not Candidate.DECIDED for verdict in answers)
    return audit(errors, len(answers), tables.read(CHANGES).height)


def alike(posed: pl.DataFrame, number: int, settings: ReviewSettings) -> pl.DataFrame:
    """Priority, reason and seconds of audits: those of questions, from the first to the last."""
    alone = {"priority": [0.0], "reason": [SAID], "seconds": [settings.seconds_choose]}
    shown = posed.select(*alone) if posed.height else pl.DataFrame(alone)
    return shown[[place * shown.height // number for place in range(number)]]


def _changes(
    store: Workspace, inputs: StageInputs, composed: pl.DataFrame, asked: pl.DataFrame
) -> pl.DataFrame:
    """Masks of some scans that differ from the base version, by the decision that changed them."""
    tables, scan_ids = store.round(inputs.plan.number), composed["scan_id"].unique().to_list()
    before = store.catalog.annotations(inputs.version, scan_ids, [*KEY, "revision"])
    actions = tables.read(DECISIONS, scan_ids, [*KEY, "action"]).rename({"action": "stratum"})
    automatic = [action.value for action in Action if action is not Action.REVIEW]
    return (
        composed.join(before, on=KEY, suffix="_before")
        .filter(pl.col("revision") != pl.col("revision_before"))
        .join(asked, on=KEY, how="anti")
        .join(actions, on=KEY, how="left")
        .with_columns(
            stratum=pl.when(pl.col("stratum").is_in(automatic) & (pl.col("stratum") != "keep"))
            .then("stratum")
            .otherwise(pl.lit(TOUCHED))
        )
        .select(*KEY, "stratum", pl.col("label_map").cast(pl.String))
    )
