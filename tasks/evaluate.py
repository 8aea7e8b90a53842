"""Evaluation: the ensemble on gold, and the champion's fate."""

from __future__ import annotations

import numpy as np
import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.judge.decisions.promote import Promotion, promote
from scalemai_core.measure.agreement import dice_by_structure
from scalemai_core.records.annotation import Origin
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.dataset import dataset, labelled_scans
from tasks.models import ensemble
from tasks.shards import Rows, run_shard


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def evaluate_shard(inputs: StageInputs, shard: Shard) -> ShardSummary:
    """Dice of the ensemble on gold scans, per trusted mask: a gold patient may have others too."""
    store = Workspace.open(inputs.workspace)
    settings = inputs.plan.settings
    gold = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)
    predictor = ensemble(inputs.workspace, inputs.model, settings.compute)
    overlap = settings.predict.overlap

    def work(scan_id: str) -> Rows:
        case = gold[scan_id]
        prediction = predictor.predict(store.scans.read(scan_id), case.scan.grid, overlap)
        dice = dice_by_structure(case.labels(store), prediction.labels, load_taxonomy())
        return [
            {"scan_id": scan_id, "structure": name, "dice": dice.get(name)}
            for name, annotation in case.annotations.items()
            if annotation.origin is Origin.GOLD
        ]

    return run_shard(store, shard, work)


def gold_scores(
    workspace: str,
    version: DatasetVersion,
    challenger: pl.DataFrame,
    champion: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Challenger beside champion: scan_id, patient, gold, structure, dice, champion_dice."""
    scans = dataset(workspace, version).values()
    facts = pl.DataFrame(
        [{"scan_id": s.scan_id, "patient": s.patient, "gold": s.gold} for s in scans if s.gold],
        schema={"scan_id": pl.String, "patient": pl.String, "gold": pl.String},
    )
    columns = {"scan_id": pl.String, "structure": pl.String, "dice": pl.Float64}
    new = challenger if challenger.height else pl.DataFrame(schema=columns)
    old = champion if champion is not None and champion.height else new.clear()
    return facts.join(new, on="scan_id").join(
        old.rename({"dice": "champion_dice"}), on=["scan_id", "structure"], how="left"
    )


@task(task_run_name="compare with the champion", cache_policy=NO_CACHE)
def judge_promotion(plan: RoundPlan, scores: pl.DataFrame, *, champion: bool) -> Promotion:
    """Promote, or say why not."""
    settings = plan.settings
    rng = np.random.default_rng([settings.seed, plan.number])
    return promote(scores, settings.evaluate, rng, champion=champion)
