"""Evaluation: the ensemble on gold, and the champion's fate."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.judge.decisions.promote import Promotion, promote
from scalemai_core.measure.score import score_masks
from scalemai_core.records.annotation import Origin, State
from scalemai_core.records.gold import Opening
from scalemai_core.records.scan import GoldRole
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.documents.account import account
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.taxonomy.tolerances import load_tolerances
from tasks.dataset import dataset, labelled_scans
from tasks.models import ensemble
from tasks.shards import Rows, run_shard

log = logging.getLogger("scalemai.evaluate")

SCORES = {
    "scan_id": pl.String,
    "structure": pl.String,
    "dice": pl.Float64,
    "nsd": pl.Float64,
    "false_positive": pl.Boolean,
}
"""Columns of one model's evaluation."""


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def evaluate_shard(inputs: StageInputs, shard: Shard) -> ShardSummary:
    """The ensemble on gold scans, per trusted mask: a gold patient may have others too."""
    store = Workspace.open(inputs.workspace)
    settings = inputs.plan.settings
    gold = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)
    predictor = ensemble(inputs.workspace, inputs.model, settings.compute)
    predict, tables = settings.predict, (load_taxonomy(), load_tolerances())

    def work(scan_id: str) -> Rows:
        case = gold[scan_id]
        grid = case.scan.grid
        prediction = predictor.predict(store.scans.read(scan_id), grid, predict)
        found = score_masks(case.labels(store), prediction.labels, grid.spacing_mm_zyx, *tables)
        return [
            {
                "scan_id": scan_id,
                "structure": name,
                "dice": found[name].dice,
                "nsd": found[name].nsd,
                "false_positive": found[name].false_positive,
            }
            for name, annotation in case.annotations.items()
            if annotation.origin is Origin.GOLD and annotation.state is not State.UNKNOWN
        ]

    return run_shard(store, shard, work)


@task(task_run_name="log the look at gold test", cache_policy=NO_CACHE)
def open_gold_test(inputs: StageInputs) -> Opening | None:
    """Write down that gold ``test`` is looked at, before it is; None where it stays closed.

    A round that goes on after a crash is the same look.
    """
    settings, number = inputs.plan.settings.evaluate, inputs.plan.number
    scans = dataset(inputs.workspace, inputs.version).values()
    patients = {scan.patient for scan in scans if scan.gold is GoldRole.TEST}
    if not settings.open_test or not patients:
        return None
    opening = Opening(
        opened=datetime.now(UTC),
        person=account(),
        round=number,
        model=inputs.model.key,
        dataset_version=inputs.version.number,
        patients=len(patients),
        why=f"report of round {number}",
    )
    journal = Workspace.open(inputs.workspace).gold_openings
    journal.append(f"{number:05d}-{inputs.model.key}", opening)
    log.info("gold test is opened: look number %d", len(journal.read()))
    return opening


def gold_scores(
    workspace: str,
    version: DatasetVersion,
    challenger: pl.DataFrame,
    champion: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Challenger beside champion, a row a trusted mask: the columns that ``promote`` takes."""
    scans = dataset(workspace, version).values()
    facts = pl.DataFrame(
        [{"scan_id": s.scan_id, "patient": s.patient, "gold": s.gold} for s in scans if s.gold],
        schema={"scan_id": pl.String, "patient": pl.String, "gold": pl.String},
    )
    new = challenger if challenger.height else pl.DataFrame(schema=SCORES)
    old = champion if champion is not None and champion.height else new.clear()
    numbers = {name: f"champion_{name}" for name in ("dice", "nsd", "false_positive")}
    return facts.join(new, on="scan_id").join(
        old.rename(numbers), on=["scan_id", "structure"], how="left"
    )


@task(task_run_name="compare with the champion", cache_policy=NO_CACHE)
def judge_promotion(
    inputs: StageInputs, scores: pl.DataFrame, lesions: pl.DataFrame | None, *, champion: bool
) -> Promotion:
    """Promote, or say why not."""
    settings = inputs.plan.settings
    rng = np.random.default_rng([settings.seed, inputs.plan.number])
    promotion = promote(scores, settings.evaluate, rng, champion=champion, lesions=lesions)
    if promotion.score is None:
        return promotion
    openings = len(Workspace.open(inputs.workspace).gold_openings.read())
    score = promotion.score.model_copy(update={"test_openings": openings})
    return replace(promotion, score=score)
