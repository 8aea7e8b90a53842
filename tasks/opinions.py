"""The second expert: asked where the first abstains, and never able to stop a round."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable

import numpy as np
import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.endpoint.client import Endpoint
from scalemai_core.judge.expert.expert import Expert
from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.vision.appearance import APPEARANCE
from scalemai_core.vision.opinion import Pair, second_opinion
from scalemai_core.vision.projection import Mask
from tasks.dataset import LabelledScan, labelled_scans
from tasks.decide import OPINIONS, decisions
from tasks.shards import Rows, run_shard
from tasks.verdicts import KEY

log = logging.getLogger("scalemai.opinions")

PAIRS = "pairs"
"""Table of the pairs of masks that the second expert is asked about."""

COLUMNS = pl.Schema(
    {
        **dict.fromkeys((*KEY, "rival", "opinion", "reason"), pl.String()),
        "answers": pl.List(pl.String()),
        "plane": pl.String(),
        "projected_dice": pl.Float64(),
        "prompt_hash": pl.String(),
        "image_hashes": pl.List(pl.String()),
        **dict.fromkeys(("model", "served"), pl.String()),
        "words": pl.List(pl.String()),
    }
)


@task(task_run_name="choose what to ask the second expert", cache_policy=NO_CACHE)
def choose_pairs(
    inputs: StageInputs, judged: Iterable[pl.DataFrame], expert: Expert
) -> tuple[str, ...]:
    """Pairs on which the expert abstains and a person would be asked, the most valuable first.

    Written down once: a round that goes on asks about the same ones. Returns their scans.
    """
    tables = Workspace.open(inputs.workspace).round(inputs.plan.number)
    if not tables.has(PAIRS):
        settings = inputs.plan.settings
        decisive = settings.expert.decisive
        open_ones = [
            block.filter(
                pl.col("action") == Action.REVIEW.value,
                pl.col("structure").is_in(list(APPEARANCE)),
                pl.col("better") > 1.0 - decisive,
                pl.col("better") < decisive,
            ).select(*KEY, "rival", "rival_map", "review_gain")
            for block in decisions(inputs, judged, expert)
        ]
        asked = pl.concat(open_ones).sort(["review_gain", *KEY], descending=[True, False, False])
        tables.write(PAIRS, asked.head(settings.vision.max_pairs).drop("review_gain"))
    return tuple(tables.read(PAIRS)["scan_id"].unique().sort().to_list())


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def opine_shard(inputs: StageInputs, shard: Shard) -> ShardSummary:
    """Ask about a shard's pairs, one after the other; a row a pair."""
    store, settings = Workspace.open(inputs.workspace), inputs.plan.settings.vision
    cases = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)
    pairs = store.round(inputs.plan.number).read(PAIRS).partition_by("scan_id", as_dict=True)
    endpoint = Endpoint(settings, os.environ.get(settings.key_variable, ""))

    def work(scan_id: str) -> Rows:
        found = _pairs(store, cases[scan_id], pairs[(scan_id,)], inputs.model.key)
        said = [second_opinion(pair, endpoint.ask, settings) for pair in found]
        return [opinion.model_dump(mode="json") for opinion in said]

    return run_shard(store, shard, work)


@task(task_run_name="gather the second opinions", cache_policy=NO_CACHE)
def gather_opinions(inputs: StageInputs, said: pl.DataFrame) -> None:
    """Store the opinions of the round, and say once how many there are and what went wrong."""
    tables = Workspace.open(inputs.workspace).round(inputs.plan.number)
    opinions = said.select(COLUMNS.names()).cast(COLUMNS) if said.height else COLUMNS.to_frame()  # pyright: ignore[reportArgumentType] - a schema is a mapping
    if not tables.has(OPINIONS):
        tables.write(OPINIONS, opinions)
    counts = opinions.group_by("opinion", "reason").len().sort("len", descending=True)
    log.info(
        "second expert %s: %d pairs; %s",
        inputs.plan.settings.vision.model,
        opinions.height,
        ", ".join(f"{n} {opinion} ({why})" for opinion, why, n in counts.iter_rows()) or "none",
    )


def _pairs(store: Workspace, case: LabelledScan, rows: pl.DataFrame, model_key: str) -> list[Pair]:
    current, scan = case.labels(store), case.scan
    image_zyx = store.scans.read(scan.scan_id)
    taxonomy = load_taxonomy()
    pairs: list[Pair] = []
    for row in rows.iter_rows(named=True):
        name, rival = str(row["structure"]), Candidate(row["rival"])
        layer, ids = taxonomy[name].layer, taxonomy.member_ids(name)
        rival_zyx = _rival(store, scan.scan_id, layer, model_key, row["rival_map"])
        pairs.append(
            Pair(
                scan_id=scan.scan_id,
                structure=name,
                rival=rival,
                image_zyx=image_zyx,
                spacing_mm_zyx=scan.grid.spacing_mm_zyx,
                current_zyx=_mask(current.get(layer), ids, image_zyx.shape),
                rival_zyx=_mask(rival_zyx, ids, image_zyx.shape),
            )
        )
    return pairs


def _rival(
    store: Workspace, scan_id: str, layer: Layer, model_key: str, rival_map: str | None
) -> LabelsZYX | None:
    """The prediction where no label map is named; nothing where the model knows no such layer."""
    if rival_map is not None:
        return store.labels.read(rival_map)
    predictions = store.predictions
    if not predictions.exists(model_key, scan_id, layer):
        return None
    return predictions.read(model_key, scan_id, layer)


def _mask(labels_zyx: LabelsZYX | None, ids: np.ndarray, shape: tuple[int, ...]) -> Mask:
    return np.zeros(shape, dtype=np.bool_) if labels_zyx is None else np.isin(labels_zyx, ids)
