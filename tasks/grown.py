"""The stages of a growing tumour as files: label maps, scans, a sheet of pictures, a table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scalemai_core.intake.writer import write_nifti
from scalemai_core.page.draw.growth import GrownStage, draw_growth
from scalemai_core.page.draw.number import millilitres
from scalemai_core.synthesize.tumour.automaton import Stage
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.growing import Ground

SHEET, TABLE = "growth.png", "growth.csv"
_LEVEL_HU, _WIDTH_HU = -20.0, 260.0
"""A narrow window below the organ's median, in which lesions of a liver are looked for."""


@dataclass(frozen=True, slots=True)
class StageRow:
    """What the table says of one stage."""

    stage: int
    wanted_mm: float
    steps: int
    diameter_mm: float
    """Of the sphere of its volume, as the label map holds it."""
    volume_ml: float
    necrosis_ml: float
    scan: str
    labels: str


def write_stages(
    ground: Ground, structure: str, stages: Sequence[Stage], folder: Path
) -> list[StageRow]:
    """Write ``stage_<n>_ct.nii.gz`` and ``stage_<n>_labels.nii.gz`` in the scan's own orientation.

    Beside them lie the sheet and the table. Labels hold the structure's id alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        _write(ground, structure, (number, stage), folder)
        for number, stage in enumerate(stages, start=1)
    ]
    (folder / SHEET).write_bytes(_sheet(ground, stages, rows))
    with (folder / TABLE).open("w", newline="") as file:
        table = csv.DictWriter(file, list(StageRow.__slots__))
        table.writeheader()
        table.writerows(asdict(row) for row in rows)
    return rows


def _write(ground: Ground, structure: str, numbered: tuple[int, Stage], folder: Path) -> StageRow:
    number, stage = numbered
    scan, voxel_ml = ground.scan, ground.scan.grid.voxel_ml
    image_zyx = scan.image_zyx.copy()
    image_zyx[ground.box][stage.box] = np.rint(stage.image_zyx).astype(np.int16)
    labels_zyx = np.zeros(image_zyx.shape, np.uint8)
    labels_zyx[ground.box][stage.box] = stage.mask_zyx * np.uint8(load_taxonomy()[structure].id)
    files = (f"stage_{number}_ct.nii.gz", f"stage_{number}_labels.nii.gz")
    for name, array_zyx in zip(files, (image_zyx, labels_zyx), strict=True):
        write_nifti(folder / name, array_zyx, scan.source_axes, scan.source_affine)
    volume_ml = float(np.count_nonzero(stage.mask_zyx)) * voxel_ml
    return StageRow(
        stage=number,
        wanted_mm=stage.wanted_mm,
        steps=stage.num_steps,
        diameter_mm=round(float(np.cbrt(6000.0 * volume_ml / np.pi)), 3),
        volume_ml=round(volume_ml, 4),
        necrosis_ml=round(float(np.count_nonzero(stage.dead_zyx)) * voxel_ml, 4),
        scan=files[0],
        labels=files[1],
    )


def _sheet(ground: Ground, stages: Sequence[Stage], rows: Sequence[StageRow]) -> bytes:
    nothing_zyx = np.zeros(ground.bed.organ_zyx.shape, np.bool_)
    before = "before", ground.organ.replace("_", " ")
    columns = [GrownStage(ground.bed.image_zyx, nothing_zyx, nothing_zyx, *before)]
    for stage, row in zip(stages, rows, strict=True):
        image_zyx = ground.bed.image_zyx.copy()
        image_zyx[stage.box] = stage.image_zyx
        dead = f", {millilitres(row.necrosis_ml)} dead" if row.necrosis_ml else ""
        columns.append(
            GrownStage(
                image_zyx=image_zyx,
                mask_zyx=_placed(stage, stage.mask_zyx, nothing_zyx),
                dead_zyx=_placed(stage, stage.dead_zyx, nothing_zyx),
                title=f"{row.diameter_mm:.1f} mm",
                note=f"{millilitres(row.volume_ml)}{dead}, step {row.steps}".replace("\u00a0", " "),
            )
        )
    middle_hu = float(np.median(ground.bed.image_zyx[ground.bed.organ_zyx])) + _LEVEL_HU
    window_hu = (middle_hu - _WIDTH_HU / 2, middle_hu + _WIDTH_HU / 2)
    return draw_growth(columns, ground.bed.spacing_mm_zyx, window_hu)


def _placed(
    stage: Stage, mask_zyx: NDArray[np.bool_], nothing_zyx: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    whole_zyx = nothing_zyx.copy()
    whole_zyx[stage.box] = mask_zyx
    return whole_zyx
