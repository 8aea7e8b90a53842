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
)
from scalemai_core.judge.rules.masks import Masks
from scalemai_core.judge.rules.rule import Hit, fault_if, spoken
from scalemai_core.records.finding import Severity
from scalemai_core.settings.judgement import JudgeSettings


def order(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """Each vertebra lies above the next; blamed is who contradicts as many as its opponent."""
    chain = [s for s in spinal_chain(masks.taxonomy) if masks.volume_ml[s.id] > 0]
    z_mm = masks.centroid_mm[[s.id for s in chain], TOP]
    blamed = contradicted(z_mm)
    for row in np.flatnonzero(blamed.any(axis=1)):
        other = int(np.argmax(np.where(blamed[row], np.abs(z_mm - z_mm[row]), -1.0)))
        wrong_mm = float(abs(z_mm[other] - z_mm[row]))
        word = "below" if row < other else "above"
        name = spoken(chain[row].name)
        message = f"{name} lies {wrong_mm:.0f} mm {word} {spoken(chain[other].name)}"
        yield Hit(chain[row].name, Severity.FAULT, wrong_mm, 0.0, message)


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
