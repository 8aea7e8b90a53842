"""Rules on the spine: its order, and that it runs in the middle."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scalemai_core.judge.rules.frame import (
    CURVE_MM,
    RIGHT,
    TOP,
    contradicted,
    middle_mm,
    spinal_chain,
    spinal_rows,
)
from scalemai_core.judge.rules.masks import Masks
from scalemai_core.judge.rules.rule import Hit, fault_if, spoken
from scalemai_core.records.finding import Severity
from scalemai_core.settings.judgement import JudgeSettings


def order(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """Each vertebra lies above the next; blamed is who contradicts as many as its opponent."""
    rows = spinal_rows(masks.taxonomy)
    rows = rows[masks.volume_ml[rows] > 0]
    if not len(rows):
        return
    z_mm = masks.centroid_mm[rows, TOP]
    away_mm = np.where(contradicted(z_mm), np.abs(z_mm[:, None] - z_mm), -1.0)
    others, worst_mm = away_mm.argmax(axis=1), away_mm.max(axis=1)
    # Two at the same height contradict each other as well.
    for place in np.flatnonzero(worst_mm >= 0).tolist():
        other, wrong_mm = int(others[place]), float(worst_mm[place])
        name, its_name = (masks.taxonomy.by_id(int(rows[i])).name for i in (place, other))
        word = "below" if place < other else "above"
        message = f"{spoken(name)} lies {wrong_mm:.0f} mm {word} {spoken(its_name)}"
        yield Hit(name, Severity.FAULT, wrong_mm, 0.0, message)


def midline(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """What stands in the middle stands in the middle, which pairs and vertebrae tell together."""
    middle = middle_mm(masks)
    if middle is None:
        return
    chain = [structure.name for structure in spinal_chain(masks.taxonomy)]
    for structure in masks.shown(*chain, "spinal_cord", "prostate", "trachea"):
        away_mm = abs(float(masks.centroid_mm[structure.id, RIGHT]) - middle)
        if away_mm > CURVE_MM:
            message = f"{spoken(structure.name)} lies {away_mm:.0f} mm beside the patient's middle"
            severity = fault_if(away_mm > 1.5 * CURVE_MM)
            yield Hit(structure.name, severity, away_mm, CURVE_MM, message)
