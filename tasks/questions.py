"""The questions of a round, as people are asked them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.records.review import ItemKind, ReviewItem, lesion_item, mask_item
from scalemai_core.records.stage import StageInputs
from scalemai_core.store.workspace import Workspace
from tasks.audit import AUDITS
from tasks.decide import ITEMS, QUESTIONS
from tasks.verdicts import KEY

ITEM_COLUMNS = pl.Schema(
    {
        "item_id": pl.String,
        "round": pl.Int32,
        "kind": pl.String,
        "scan_id": pl.String,
        "structure": pl.String,
        "priority": pl.Float64,
        "reason": pl.String,
        "base_label_map": pl.String,
        "prediction": pl.String,
        "rival": pl.String,
        "rival_map": pl.String,
        "third": pl.String,
        "third_map": pl.String,
        "candidate_id": pl.String,
        "seconds": pl.Float64,
        "reads": pl.Int32,
        "expected": pl.String,
    }
)


@task(task_run_name="pose the questions", cache_policy=NO_CACHE)
def pose_questions(inputs: StageInputs) -> None:
    """Put the questions and the audits of the round together; some are read twice."""
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    tables = store.round(plan.number)
    if tables.has(ITEMS):
        return
    posed = pl.concat([tables.read(QUESTIONS), tables.read(AUDITS)], how="diagonal_relaxed")
    annotations = store.catalog.blocks(inputs.version, (*KEY, "label_map"))
    asked = posed.select(KEY).unique()
    maps = pl.concat([rows.join(asked, on=KEY, how="semi") for rows in annotations])
    maps = maps.rename({"label_map": "base_label_map"})
    rows = posed.join(maps, on=KEY, how="left", maintain_order="left").to_dicts()
    twice = _read_twice(len(rows), inputs)
    items = [
        ReviewItem(
            item_id=_item_id(plan.number, row),
            round=plan.number,
            prediction=inputs.model.key,
            reads=2 if double else 1,
            **row,
        )
        for row, double in zip(rows, twice, strict=True)
    ]
    tables.write(ITEMS, item_rows(items))


def posed_items(
    store: Workspace, number: int, scan_ids: Sequence[str] | None = None
) -> tuple[ReviewItem, ...]:
    """A round's questions, of some scans or of all; those that only test the readers are apart."""
    return read_items(store, number, ITEMS, scan_ids)


def questioned_scans(inputs: StageInputs) -> tuple[str, ...]:
    """Scans about which a round asks something."""
    items = posed_items(Workspace.open(inputs.workspace), inputs.plan.number)
    return tuple(sorted({item.scan_id for item in items}))


def read_items(
    store: Workspace, number: int, table: str, scan_ids: Sequence[str] | None = None
) -> tuple[ReviewItem, ...]:
    """Items of one of a round's tables, of some scans or of all."""
    rows = store.round(number).read(table, scan_ids)
    return tuple(ReviewItem.model_validate(row) for row in rows.iter_rows(named=True))


def item_rows(items: list[ReviewItem]) -> pl.DataFrame:
    """Items as a round's table keeps them."""
    return pl.DataFrame([item.model_dump(mode="json") for item in items], schema=ITEM_COLUMNS)


def _read_twice(number: int, inputs: StageInputs) -> list[bool]:
    """A fixed share at random; nobody reads twice where nobody waits for people."""
    settings = inputs.plan.settings.review
    if settings.mode != "wait":
        return [False] * number
    rng = np.random.default_rng([inputs.plan.settings.seed, inputs.plan.number])
    chosen = set(rng.permutation(number)[: round(settings.double_share * number)].tolist())
    return [place in chosen for place in range(number)]


def _item_id(number: int, row: dict[str, Any]) -> str:
    if row["kind"] == ItemKind.LESION.value:
        return lesion_item(number, row["scan_id"], row["candidate_id"])
    return mask_item(number, row["scan_id"], row["structure"])
