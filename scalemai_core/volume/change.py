"""What is to change in a layer: one structure's new mask, and how much its word weighs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from scalemai_core.records.label_map import LabelsZYX


class Trust(IntEnum):
    """Whose word a mask is; more trust wins a voxel."""

    AUTOMATIC = 0
    TRUSTED = 1
    """A trusted source, or gold."""
    REVIEWED = 2
    """A person looked at this mask."""


Strength = tuple[Trust, float]
"""Trust, then what a voxel is worth to the mask: settles a voxel that two structures claim."""

UNJUDGED: Strength = (Trust.AUTOMATIC, 0.5)
"""Strength of a structure of which nothing is said."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One structure takes its mask from another label map of the layer, or becomes absent."""

    structure: int
    source_zyx: LabelsZYX | None
    """The candidate's label map, parts under their own ids; None where it becomes absent."""
    trust: Trust = Trust.AUTOMATIC
    worth: float = 0.5

    @property
    def strength(self) -> Strength:
        """What it brings to a conflict."""
        return (self.trust, self.worth)
