"""A prediction against a reference, structure by structure: Dice, surface Dice, false sightings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scalemai_core.measure.overlap import Overlap
from scalemai_core.measure.skin import Spacing, surface_dice
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.taxonomy.taxonomy import Taxonomy
from scalemai_core.taxonomy.tolerances import Tolerances


@dataclass(frozen=True, slots=True)
class MaskScore:
    """One structure of one scan (method reference, section 10.2)."""

    dice: float | None
    """None where the reference is empty, 0 where only the prediction is."""
    nsd: float | None
    """Surface Dice at the structure's tolerance; None and 0 as for Dice."""
    false_positive: bool
    """Something was predicted where the reference has nothing."""


def score_masks(
    reference: Mapping[Layer, LabelsZYX],
    predicted: Mapping[Layer, LabelsZYX],
    spacing_mm_zyx: Spacing,
    taxonomy: Taxonomy,
    tolerances: Tolerances,
) -> dict[str, MaskScore]:
    """Every structure of the taxonomy; a layer that one side lacks is empty there."""
    scores: dict[str, MaskScore] = {}
    tolerance_mm = tolerances.by_id(taxonomy, spacing_mm_zyx)
    for layer in Layer:
        one, other = reference.get(layer), predicted.get(layer)
        shown = one if one is not None else other
        if shown is None:
            nothing = MaskScore(dice=None, nsd=None, false_positive=False)
            scores |= {structure.name: nothing for structure in taxonomy.in_layer(layer)}
            continue
        true_zyx = np.zeros_like(shown) if one is None else one
        seen_zyx = np.zeros_like(shown) if other is None else other
        overlap = Overlap.of_maps(true_zyx, seen_zyx, taxonomy.unions)
        surface = surface_dice(true_zyx, seen_zyx, spacing_mm_zyx, taxonomy.unions, tolerance_mm)
        for structure in taxonomy.in_layer(layer):
            own = structure.id
            exists = bool(overlap.volume_a[own])
            scores[structure.name] = MaskScore(
                dice=float(overlap.dice[own]) if exists else None,
                nsd=float(surface[own]) if exists else None,
                false_positive=not exists and bool(overlap.volume_b[own]),
            )
    return scores
