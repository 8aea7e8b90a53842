"""Dice of all structures of a scan at once, over its layers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scalemai_core.measure.overlap import Overlap
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.taxonomy.taxonomy import Taxonomy


def dice_by_structure(
    a: Mapping[Layer, LabelsZYX], b: Mapping[Layer, LabelsZYX], taxonomy: Taxonomy
) -> dict[str, float | None]:
    """Dice of every structure of the layers in ``a``; None where both masks are empty.

    A layer that ``b`` lacks is empty there. Method reference, section 0.3.
    """
    dice: dict[str, float | None] = {}
    for layer, a_zyx in a.items():
        b_zyx = b.get(layer)
        if b_zyx is None:
            b_zyx = np.zeros_like(a_zyx)
        values = Overlap.of_maps(a_zyx, b_zyx, taxonomy.unions).dice
        for structure in taxonomy.in_layer(layer):
            value = float(values[structure.id])
            dice[structure.name] = None if np.isnan(value) else value
    return dice
