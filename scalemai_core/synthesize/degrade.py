"""Makes true label maps wrong in known ways; each layer stays one exclusive map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.synthesize.fault_voxels import apply_fault
from scalemai_core.synthesize.faults import (
    DegradeSettings,
    Fault,
    FaultKind,
    draw_faults,
    present,
)
from scalemai_core.taxonomy.taxonomy import Taxonomy, load_taxonomy

HARMED_DICE = 0.95
"""A structure below this Dice to the truth counts as harmed by another one's fault."""


@dataclass(frozen=True, slots=True)
class Degraded:
    """Labels as a careless source would deliver them, and what was done to them."""

    labels: dict[Layer, LabelsZYX]
    faults: tuple[Fault, ...]
    """Drawn faults, then structures and unions that those harmed in passing."""
    unknown: tuple[str, ...]
    """Structures that the source does not speak about; none of their voxels is left."""


def degrade(
    labels: Mapping[Layer, LabelsZYX],
    grid: Grid,
    rng: np.random.Generator,
    settings: DegradeSettings,
    absent: Sequence[str] = (),
) -> Degraded:
    """Draw faults and apply them; the input stays as it is.

    ``absent`` names structures without voxels that the source would speak of: they too may be
    left unknown, else an unknown structure would always be there. Voxels that a structure loses
    fall to the background, those of an unknown part to its nearest known parent.
    """
    taxonomy = load_taxonomy()
    drawn, unknown = draw_faults(present(labels, taxonomy), taxonomy, rng, settings)
    silent = rng.random(len(absent)) < settings.unknown_share
    unknown += tuple(name for name, is_silent in zip(absent, silent, strict=True) if is_silent)
    wrong = {layer: labels_zyx.copy() for layer, labels_zyx in labels.items()}
    done: list[Fault] = []
    for fault in drawn:
        done.extend(apply_fault(wrong[taxonomy[fault.structure].layer], fault, grid, taxonomy))
    spoken = {fault.structure for fault in done} | set(unknown)
    done.extend(_harmed(labels, wrong, spoken, taxonomy))
    for name in unknown:
        structure = taxonomy[name]
        labels_zyx = wrong[structure.layer]
        known = [parent.id for parent in taxonomy.ancestors(name) if parent.name not in unknown]
        labels_zyx[labels_zyx == structure.id] = known[0] if known else 0
    return Degraded(wrong, tuple(done), unknown)


def _harmed(
    truth: Mapping[Layer, LabelsZYX],
    wrong: Mapping[Layer, LabelsZYX],
    spoken: set[str],
    taxonomy: Taxonomy,
) -> list[Fault]:
    """Structures and unions that no fault names and that are nevertheless not what they were."""
    harmed: list[Fault] = []
    for layer, truth_zyx in truth.items():
        changed = truth_zyx != wrong[layer]
        before = np.bincount(truth_zyx.ravel(), minlength=256)
        after = np.bincount(wrong[layer].ravel(), minlength=256)
        for structure in taxonomy.in_layer(layer):
            ids = taxonomy.member_ids(structure.name)
            size = int(before[ids].sum() + after[ids].sum())
            if structure.name in spoken or size == 0:
                continue
            same = np.isin(truth_zyx[changed], ids) & np.isin(wrong[layer][changed], ids)
            lost = np.isin(truth_zyx[changed], ids) & ~same
            dice = 2.0 * (int(before[ids].sum()) - int(np.count_nonzero(lost))) / size
            if dice < HARMED_DICE:
                harmed.append(
                    Fault(
                        structure=structure.name,
                        kind=FaultKind.COLLATERAL,
                        magnitude=round(1.0 - dice, 4),
                    )
                )
    return harmed
