"""The picture of one judgement, drawn from the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from scalemai_core.errors import UsageError
from scalemai_core.page.draw.figures import Outline, draw_example
from scalemai_core.page.draw.number import dice, millilitres
from scalemai_core.page.draw.window import window_of
from scalemai_core.page.judgement.explanation import Explanation
from scalemai_core.page.judgement.plate import Caption, draw_plate
from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Candidate
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.dataset import LabelledScan, labelled_scans
from tasks.examples import AFTER_COLOR, CURRENT_COLOR, PREDICTION_COLOR
from tasks.explain import critic_of, round_plan
from tasks.verdicts import verdicts_of_round

READER_COLOR = "#4ade80"
FORMATS = (".svg", ".png")


def draw_judgement(store: Workspace, told: Explanation, file: Path) -> None:
    """Write CT and outlines of current mask, prediction, proposal and reader's mask to a file.

    The name's ending says the format: SVG or PNG.
    """
    if file.suffix.lower() not in FORMATS:
        raise UsageError(f"{file} must end in {' or '.join(FORMATS)}")
    structure = str(told.row["structure"])
    base = store.catalog.version(round_plan(store, told.number).base_version)
    scan_id = str(told.row["scan_id"])
    case = labelled_scans(store.url, base, (scan_id,))[scan_id]
    outlines = list(_outlines(store, told, case))
    window = window_of(load_taxonomy()[structure])
    image_zyx, spacing_mm_zyx = store.scans.read(scan_id), case.scan.grid.spacing_mm_zyx
    if file.suffix.lower() == ".png":
        picture = draw_example(image_zyx, spacing_mm_zyx, outlines, window.range_hu)
    else:
        known = told.row["state"] != State.UNKNOWN.value
        note = f"Dice of current mask and prediction {dice(told.row['dice'])}" if known else ""
        caption = Caption(told.title, told.outcome, note)
        plate = draw_plate(image_zyx, spacing_mm_zyx, outlines, window, caption)
        picture = plate.encode()
    try:
        file.write_bytes(picture)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error}") from error


def _outlines(store: Workspace, told: Explanation, case: LabelledScan) -> Iterator[Outline]:
    """The current mask and its rival first: these two are compared."""
    row, scan = told.row, case.scan
    structure = load_taxonomy()[str(row["structure"])]
    plan = round_plan(store, told.number)

    def outline(name: str, labels_zyx: LabelsZYX | None, color: str) -> Outline:
        mask_zyx = np.zeros(scan.grid.shape_zyx, dtype=np.bool_)
        if labels_zyx is not None:
            mask_zyx = np.isin(labels_zyx, load_taxonomy().member_ids(structure.name))
        voxels = np.count_nonzero(mask_zyx)
        size = millilitres(voxels * scan.grid.voxel_ml) if voxels else "empty"
        return Outline(f"{name}, {size}", mask_zyx, color, dashed=color == PREDICTION_COLOR)

    yield outline("current mask", case.labels(store).get(structure.layer), CURRENT_COLOR)
    if row["rival_map"] is not None:
        proposed = store.labels.read(row["rival_map"])
        yield outline(told.rival.removeprefix("the "), proposed, AFTER_COLOR)
    where = (critic_of(store, plan).key, scan.scan_id, structure.layer)
    predicted = store.predictions.read(*where) if store.predictions.exists(*where) else None
    yield outline("prediction", predicted, PREDICTION_COLOR)
    for verdict in verdicts_of_round(store, plan):
        own = (verdict.scan_id, verdict.structure) == (scan.scan_id, structure.name)
        if own and verdict.choice is Candidate.READER and verdict.label_map:
            drawn = store.labels.read(verdict.label_map)
            yield outline(f"drawn by {verdict.reader}", drawn, READER_COLOR)
