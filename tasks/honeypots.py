"""Honeypots of a round: gold beside what the model makes of it."""

from __future__ import annotations

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.records.decision import Candidate
from scalemai_core.records.review import ItemKind, ReviewItem, mask_item
from scalemai_core.records.scan import GoldRole
from scalemai_core.records.stage import StageInputs
from scalemai_core.review.honeypots import draw_honeypots
from scalemai_core.store.catalog.tables import JUDGED, typed
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.dataset import LabelledScan, labelled_scans
from tasks.questions import item_rows, posed_items
from tasks.stage import stage_rows

HONEYPOTS = "honeypots"
"""Table of a round: items beside the questions, whose answers change nothing."""


@task(task_run_name="hide the honeypots", cache_policy=NO_CACHE)
def hide_honeypots(inputs: StageInputs) -> None:
    """Draw them once; in reason, priority and time they look like the questions around them, from
    the first to the last."""
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    tables, settings = store.round(plan.number), plan.settings.review
    if tables.has(HONEYPOTS):
        return
    posed = [one for one in posed_items(store, plan.number) if one.kind is ItemKind.CHOOSE]
    number = round(settings.honeypot_share * len(posed))
    scans = store.catalog.scans(inputs.version).filter(pl.col("gold") == GoldRole.FIT.value)
    shown = scans["scan_id"].to_list()
    gold = store.catalog.annotations(inputs.version, shown)
    judged = typed(stage_rows("judge", inputs, shown), JUDGED)
    seed = plan.settings.seed + plan.number
    drawn = draw_honeypots(judged, gold, number, settings.honeypot_dice, seed)
    cases = labelled_scans(
        inputs.workspace, inputs.version, tuple(drawn["scan_id"].unique().to_list())
    )
    alike = [posed[place * len(posed) // drawn.height] for place in range(drawn.height)]
    items = [
        _honeypot(store, inputs, cases[row["scan_id"]], row, like)
        for row, like in zip(drawn.iter_rows(named=True), alike, strict=True)
    ]
    tables.write(HONEYPOTS, item_rows(items))


def _honeypot(
    store: Workspace,
    inputs: StageInputs,
    case: LabelledScan,
    row: dict[str, object],
    like: ReviewItem,
) -> ReviewItem:
    structure, number = str(row["structure"]), inputs.plan.number
    layer, scan = load_taxonomy()[structure].layer, case.scan
    gold_map = case.annotations[structure].label_map
    shown = {"base_label_map": gold_map, "rival": Candidate.PREDICTION, "rival_map": None}
    expected = Candidate.CURRENT
    if row["swapped"]:
        wrong_zyx = store.predictions.read(inputs.model.key, scan.scan_id, layer)
        wrong = store.labels.write(wrong_zyx, scan.scan_id, layer, scan.grid)
        expected = Candidate.ALTERNATIVE
        shown = {"base_label_map": wrong, "rival": expected, "rival_map": gold_map}
    return ReviewItem(
        item_id=mask_item(number, scan.scan_id, structure),
        round=number,
        kind=ItemKind.HONEYPOT,
        scan_id=scan.scan_id,
        structure=structure,
        priority=like.priority,
        reason=like.reason,
        prediction=inputs.model.key,
        seconds=like.seconds,
        expected=expected,
        **shown,
    )
