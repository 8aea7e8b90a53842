"""Levels of tissue: how hard each voxel of an organ is to invade, from its HU (section 4.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.synthesize.tumour.growth import BARRIER, CHANCES, FIRM, HARD, SOFT, WALL
from scalemai_core.synthesize.tumour.sites import level_bounds

Levels = NDArray[np.uint8]
"""``SOFT`` to ``WALL`` for every voxel."""

_NARROWEST_HU = 30.0
"""Levels closer than a third of this apart would only tell noise from noise."""


@dataclass(frozen=True, slots=True)
class Tissue:
    """Limits between the levels of one organ in one scan."""

    low_hu: float
    high_hu: float
    """From here on it is a barrier: a vessel, or the organ's rim."""

    @property
    def interval_hu(self) -> float:
        """Width of each of the three levels that can be invaded."""
        return (self.high_hu - self.low_hu) / 3.0

    def levels(self, image_zyx: NDArray[np.float32], organ_zyx: NDArray[np.bool_]) -> Levels:
        """Level of every voxel; everything below the lowest limit is soft, fat included."""
        limits = self.low_hu + self.interval_hu * np.array([1.0, 2.0, 3.0], np.float32)
        levels_zyx = np.digitize(image_zyx, limits).astype(np.uint8)
        levels_zyx[~organ_zyx] = WALL
        return levels_zyx


def tissue_of(structure: str, organ_hu: NDArray[np.float32]) -> Tissue:
    """Limits for the organ of a lesion structure, whose voxels have these HU (1-D, not empty)."""
    low_hu, high_hu = level_bounds(structure, organ_hu)
    return Tissue(low_hu, max(high_hu, low_hu + _NARROWEST_HU))


def mean_chance(levels_zyx: Levels, chances: tuple[float, float, float] = CHANCES) -> float:
    """Mean probability that an attempt to invade the organ's voxels succeeds; barriers refuse."""
    counts = np.bincount(levels_zyx.ravel(), minlength=WALL + 1)[: BARRIER + 1]
    accepted = float(counts[[SOFT, FIRM, HARD]] @ np.array(chances))
    return accepted / max(1, int(counts.sum()))
