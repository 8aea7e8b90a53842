"""A small rehearsal on phantoms: degraded copies judged against a prediction that errs mildly."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
from scipy import ndimage

from scalemai_core.judge.expert.population import EVIDENCE
from scalemai_core.judge.judgement import judge_scan
from scalemai_core.measure.agreement import dice_by_structure
from scalemai_core.records.annotation import State
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.records.scan import Scan
from scalemai_core.settings.judgement import JudgeSettings
from scalemai_core.synthesize.degrade import degrade
from scalemai_core.synthesize.faults import DegradeSettings
from scalemai_core.synthesize.phantoms import Phantom, PhantomSettings, make_phantom
from scalemai_core.taxonomy.taxonomy import load_taxonomy

STRUCTURES = (
    *("liver", "spleen", "kidney_left", "kidney_right", "stomach", "bladder", "sacrum"),
    *("hip_left", "hip_right", "lung_left", "lung_right", "aorta", "postcava"),
)
SETTINGS = PhantomSettings(spacing_mm=8.0, lesions=0.0, structures=STRUCTURES)
PATIENTS, COPIES = 14, 4
ROLES = ["fit"] * 9 + ["select"] * 5


@cache
def rehearsal() -> pl.DataFrame:
    """Rows as the rehearsal stage writes them."""
    return pl.concat([_rows(make_phantom(5, i, SETTINGS), i) for i in range(PATIENTS)])


@cache
def population() -> pl.DataFrame:
    """The first copy of every patient, as if it were all that a lab has."""
    return rehearsal().filter(pl.col("look") == "1").with_columns(gold=pl.lit(None, pl.String))


def _rows(phantom: Phantom, index: int) -> pl.DataFrame:
    taxonomy = load_taxonomy()
    scan = Scan(
        scan_id=f"{index:032x}",
        patient=f"patient {index}",
        case=str(index),
        source="phantoms",
        grid=phantom.grid,
        source_axes="RAS",
        source_affine=phantom.grid.affine,
        fold=0,
    )
    predicted = {layer: _predicted(labels, index) for layer, labels in phantom.labels.items()}
    known = dict.fromkeys(STRUCTURES, State.PRESENT)
    true_prediction = dice_by_structure(phantom.labels, predicted, taxonomy)
    rows: list[dict[str, object]] = []
    for look in range(COPIES):
        rng = np.random.default_rng([index, look])
        noise = DegradeSettings(fault_share=0.4 if look else 0.0, unknown_share=0.0)
        labels = degrade(phantom.labels, phantom.grid, rng, noise).labels
        true_current = dice_by_structure(phantom.labels, labels, taxonomy)
        judged, _ = judge_scan(scan, phantom.image_zyx, labels, predicted, known, JudgeSettings())
        rows += [
            {
                **one.model_dump(mode="json"),
                **dict.fromkeys(EVIDENCE),
                "origin": "source",
                "gold": ROLES[index],
                "role": ROLES[index],
                "patient": scan.patient,
                "look": str(look),
                "true_dice_current": true_current[one.structure] or 0.0,
                "true_dice_prediction": true_prediction[one.structure] or 0.0,
            }
            for one in judged
            if one.structure in STRUCTURES
        ]
    return pl.DataFrame(rows, infer_schema_length=None, schema_overrides=_nulls())


def _nulls() -> dict[str, type[pl.DataType]]:
    return dict.fromkeys(EVIDENCE, pl.Float64)


def _predicted(labels_zyx: LabelsZYX, index: int) -> LabelsZYX:
    """A model's mask: now and then shaved or moved by a voxel."""
    rng = np.random.default_rng([index, 99])
    moved = np.roll(labels_zyx, int(rng.integers(-1, 2)), axis=int(rng.integers(3)))
    if rng.random() < 0.5:
        edge = ndimage.grey_erosion(moved, 3) != ndimage.grey_dilation(moved, 3)
        moved = np.where(edge & (rng.random(moved.shape) < 0.4), np.uint8(0), moved)
    return moved
