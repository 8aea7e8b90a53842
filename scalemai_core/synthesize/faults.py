"""Label faults as they occur in practice: their kinds, and how they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import numpy as np
from pydantic import Field

from scalemai_core.records.base import Record
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.settings.section import Section
from scalemai_core.taxonomy.taxonomy import Taxonomy


class FaultKind(StrEnum):
    """How a mask is wrong."""

    MISSING = "missing"
    DROPPED_COMPONENT = "dropped_component"
    """A part is cut off."""
    LEAK = "leak"
    """It runs into a neighbour."""
    SHIFT = "shift"
    OVER_SEGMENTATION = "over_segmentation"
    UNDER_SEGMENTATION = "under_segmentation"
    TRUNCATED_SLICES = "truncated_slices"
    """A slab at its upper or lower end is missing."""
    SWAPPED_SIDES = "swapped_sides"
    """Left and right carry each other's name."""
    WRONG_STRUCTURE = "wrong_structure"
    """It and another structure carry each other's name."""
    HOLES = "holes"
    COLLATERAL = "collateral"
    """Another structure's fault took its voxels; never drawn, only reported."""


DRAWN_KINDS: tuple[FaultKind, ...] = tuple(k for k in FaultKind if k is not FaultKind.COLLATERAL)

MAGNITUDES: dict[FaultKind, tuple[float, float]] = {
    FaultKind.MISSING: (1.0, 1.0),
    FaultKind.DROPPED_COMPONENT: (0.35, 0.6),
    FaultKind.LEAK: (0.5, 1.2),
    FaultKind.SHIFT: (5.0, 25.0),
    FaultKind.OVER_SEGMENTATION: (0.5, 1.2),
    FaultKind.UNDER_SEGMENTATION: (0.35, 0.65),
    FaultKind.TRUNCATED_SLICES: (0.35, 0.6),
    FaultKind.SWAPPED_SIDES: (1.0, 1.0),
    FaultKind.WRONG_STRUCTURE: (1.0, 1.0),
    FaultKind.HOLES: (0.3, 0.5),
}
"""Range of a fault's size: mm of a shift, for all others the share of its voxels lost or gained."""


class Fault(Record):
    """One thing done to one structure, drawn in full before anything is applied."""

    structure: str
    kind: FaultKind
    magnitude: float
    """mm of a shift; for all others the share of its voxels lost or gained."""
    direction_zyx: tuple[float, float, float] = (1.0, 0.0, 0.0)
    """Unit vector along the array's axes: where it is cut, leaks or moves to."""
    partner: str | None = None
    """The other structure of an exchange."""


class DegradeSettings(Section):
    """How wrong a source's labels are."""

    fault_share: float = Field(default=0.3, ge=0, le=1)
    """Share of present structures with a fault; an exchange counts for both."""
    unknown_share: float = Field(default=0.1, ge=0, le=1)
    """Share of present structures that the source never annotated."""
    kinds: tuple[FaultKind, ...] = Field(default=DRAWN_KINDS, min_length=1)
    """The kinds that are drawn, evenly."""


def present(labels: Mapping[Layer, LabelsZYX], taxonomy: Taxonomy) -> tuple[str, ...]:
    """Names of the structures that have voxels of their own, by id."""
    ids = {int(i) for labels_zyx in labels.values() for i in np.unique(labels_zyx) if i}
    return tuple(taxonomy.by_id(i).name for i in sorted(ids))


def draw_faults(
    names: tuple[str, ...], taxonomy: Taxonomy, rng: np.random.Generator, settings: DegradeSettings
) -> tuple[tuple[Fault, ...], tuple[str, ...]]:
    """Draw the faults, and the structures that are left unknown; at most one of either each.

    A structure that has parts is faulty where its parts are; of its own it can only be unknown.
    """
    fates = rng.random(len(names))
    share = settings.unknown_share
    unknown = tuple(name for name, fate in zip(names, fates, strict=True) if fate < share)
    share += settings.fault_share * (1.0 - settings.unknown_share)
    free = {name for name in names if name not in unknown and not taxonomy.children(name)}
    faults: list[Fault] = []
    for name, fate in zip(names, fates, strict=True):
        kind = settings.kinds[int(rng.integers(len(settings.kinds)))]
        if name in free and fate < share:
            free.discard(name)
            fault = _draw(name, kind, free, taxonomy, rng)
            free.discard(fault.partner or name)
            faults.append(fault)
    return tuple(faults), unknown


def _draw(
    name: str, kind: FaultKind, free: set[str], taxonomy: Taxonomy, rng: np.random.Generator
) -> Fault:
    """One fault; an exchange without a partner becomes a missing mask."""
    partner = None
    if kind is FaultKind.SWAPPED_SIDES:
        partner = taxonomy[name].pair
        kind = kind if partner in free else FaultKind.WRONG_STRUCTURE
    if kind is FaultKind.WRONG_STRUCTURE:
        partner = _mistaken_for(name, free, taxonomy, rng)
        kind = kind if partner else FaultKind.MISSING
    direction = rng.normal(size=3)
    z, y, x = (direction / np.linalg.norm(direction)).tolist()
    magnitude = float(rng.uniform(*MAGNITUDES[kind]))
    return Fault(
        structure=name, kind=kind, magnitude=magnitude, direction_zyx=(z, y, x), partner=partner
    )


def _mistaken_for(
    name: str, free: set[str], taxonomy: Taxonomy, rng: np.random.Generator
) -> str | None:
    """One of the two structures of its kind that stand nearest to it in the taxonomy."""
    own = taxonomy[name]
    others = [
        other
        for other in (taxonomy[candidate] for candidate in free)
        if (other.layer, other.kind) == (own.layer, own.kind)
    ]
    others.sort(key=lambda other: (abs(other.id - own.id), other.id))
    return others[int(rng.integers(min(len(others), 2)))].name if others else None
