"""The grey window in which a structure is looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.taxonomy.structure import Kind, Structure

_AIRY_HU = -300.0


@dataclass(frozen=True, slots=True)
class Window:
    """From which to which HU black turns into white."""

    name: str
    level_hu: float
    width_hu: float

    def __str__(self) -> str:
        return f"{self.name} window, L {self.level_hu:.0f} W {self.width_hu:.0f}"

    @property
    def range_hu(self) -> tuple[float, float]:
        """Black and white."""
        return (self.level_hu - self.width_hu / 2, self.level_hu + self.width_hu / 2)

    def gray(self, plane_hu: NDArray[np.int16]) -> NDArray[np.uint8]:
        """Grey values of HU."""
        low, high = self.range_hu
        share = np.clip((plane_hu.astype(np.float32) - low) / (high - low), 0, 1)
        return (255 * share).astype(np.uint8)


SOFT_TISSUE = Window("soft tissue", 40.0, 400.0)
BONE = Window("bone", 300.0, 1200.0)
LUNG = Window("lung", -600.0, 1500.0)


def window_of(structure: Structure) -> Window:
    """By what the structure is made of, and how dense a good mask of it is."""
    if structure.kind is Kind.BONE:
        return BONE
    return LUNG if sum(structure.hu) / 2 < _AIRY_HU else SOFT_TISSUE
