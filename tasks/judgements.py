"""A round's judgements with all that decisions are taken from, some scans at a time."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from scalemai_core.judge.expert.appraisal import PREDICTED
from scalemai_core.records.annotation import Origin, State
from scalemai_core.records.stage import StageInputs
from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.blocks import Spool, divided, spooled
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.stage import stage_blocks, stage_rows
from tasks.verdicts import KEY

AT_ONCE = 20_000
"""Rows, a few hundred scans: memory does not grow with the size of a shard."""


def judgements(inputs: StageInputs) -> Spool:
    """Judgements with the predict pass's numbers, layer, gold role and origin.

    Derived parents are left to their parts. One empty block where nothing was judged. A round goes
    through them several times: they are joined once.
    """
    return spooled(divided(_blocks(inputs), AT_ONCE))


def _blocks(inputs: StageInputs) -> Iterator[pl.DataFrame]:
    store = Workspace.open(inputs.workspace)
    scans = store.catalog.scans(inputs.version).select("scan_id", "gold", "case")
    nothing = True
    for judged in stage_blocks("judge", inputs):
        yield _judgements(store, inputs, tables.typed(judged, tables.JUDGED), scans)
        nothing = False
    if nothing:
        yield _judgements(store, inputs, pl.DataFrame(schema=tables.JUDGED), scans)


def _judgements(
    store: Workspace, inputs: StageInputs, judged: pl.DataFrame, scans: pl.DataFrame
) -> pl.DataFrame:
    taxonomy = load_taxonomy()
    facts = pl.DataFrame(
        {
            "structure": [s.name for s in taxonomy.structures],
            "layer": [s.layer.value for s in taxonomy.structures],
            "parent": [s.parent for s in taxonomy.structures],
        },
        schema_overrides={"parent": pl.String},
    )
    known = judged.filter(pl.col("state") != State.UNKNOWN.value)
    derived = known.join(facts, on="structure").select("scan_id", structure="parent").drop_nulls()
    scan_ids = judged["scan_id"].unique().to_list()
    by_model = pl.col("origin") == Origin.MODEL.value
    origins = store.catalog.annotations(inputs.version, scan_ids).select(
        *KEY,
        "origin",
        quality_when_taken=pl.when(by_model).then("quality"),
        source=pl.when(by_model).then(pl.lit(PREDICTED)).otherwise("origin_name"),
    )
    return (
        judged.join(derived.unique(), on=KEY, how="anti")
        .join(facts.drop("parent"), on="structure")
        .join(scans, on="scan_id")
        .join(origins, on=KEY, how="left")
        .join(
            tables.typed(stage_rows("predict", inputs, scan_ids), tables.SEEN), on=KEY, how="left"
        )
        .sort(*KEY, "candidate")
    )
