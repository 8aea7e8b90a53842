"""Pictures of a round's most telling masks, drawn from the store."""

from __future__ import annotations

import numpy as np
import polars as pl

from scalemai_core.judge.decisions.tally import own
from scalemai_core.page.draw.figures import Outline, draw_example
from scalemai_core.page.report.example import Example
from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Action
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.dataset import LabelledScan, labelled_scans

SHOWN = {Action.REPLACE: 4, Action.REVIEW: 2, Action.HOLD: 2, Action.IMPUTE: 1}
"""Pictures an action gets; what changed most without a person first."""
CURRENT_COLOR = "#22d3ee"
PREDICTION_COLOR = "#facc15"
AFTER_COLOR = "#f472b6"


def draw_examples(
    store: Workspace,
    decisions: pl.DataFrame,
    before: DatasetVersion,
    after: DatasetVersion,
    model: ModelDocument,
) -> tuple[Example, ...]:
    """The largest disagreements of each action: CT, current, prediction, and what it became."""
    first = {"by": ["gain", "row"], "descending": [True, False]}
    best = (
        own(decisions.with_row_index("row"))
        .group_by("action", "structure")
        .agg(pl.col("row", "gain").sort_by(**first).first())
        .sort(**first)
        .collect()
    )
    rows = [best.filter(action=action.value)["row"].head(n) for action, n in SHOWN.items()]
    chosen = decisions[pl.concat(rows)]
    scan_ids = tuple(chosen["scan_id"].unique().to_list())
    old = labelled_scans(store.url, before, scan_ids)
    new = labelled_scans(store.url, after, scan_ids)
    return tuple(
        _draw(store, row, old[row["scan_id"]], new[row["scan_id"]], model)
        for row in chosen.iter_rows(named=True)
    )


def _draw(
    store: Workspace,
    row: dict[str, object],
    old: LabelledScan,
    new: LabelledScan,
    model: ModelDocument,
) -> Example:
    structure = str(row["structure"])
    layer = load_taxonomy()[structure].layer
    scan = old.scan
    current, after = old.labels(store).get(layer), new.labels(store).get(layer)
    predicted = store.predictions.read(model.key, scan.scan_id, layer)
    outlines = [
        Outline("current", _mask(current, predicted, structure), CURRENT_COLOR),
        Outline(
            "prediction", _mask(predicted, predicted, structure), PREDICTION_COLOR, dashed=True
        ),
    ]
    if row["action"] != Action.HOLD.value:
        outlines.append(Outline("after the round", _mask(after, predicted, structure), AFTER_COLOR))
    png = draw_example(store.scans.read(scan.scan_id), scan.grid.spacing_mm_zyx, outlines)
    known = row["state"] != State.UNKNOWN.value
    return Example(
        case=scan.case,
        structure=structure,
        action=Action(str(row["action"])),
        reason=str(row["reason"]),
        dice=_number(row["dice"]),
        quality=_number(row["quality_current"]) if known else None,
        rival=str(row["rival"]),
        quality_rival=_number(row["quality_rival"]),
        better=_number(row["better"]) if known else None,
        png=png,
        caption=str(row["message"] or ""),
    )


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else None


def _mask(labels_zyx: LabelsZYX | None, like: LabelsZYX, structure: str) -> np.ndarray:
    if labels_zyx is None:
        return np.zeros(like.shape, dtype=bool)
    return np.isin(labels_zyx, load_taxonomy().member_ids(structure))
