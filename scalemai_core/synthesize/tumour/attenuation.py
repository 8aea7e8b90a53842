"""What the populations of a tumour look like in a CT (method reference, section 4.4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.synthesize.tumour.growth import BARRIER, CORE, FULL, HARD
from scalemai_core.synthesize.tumour.looks import LARGE_MM, LOOKS
from scalemai_core.synthesize.tumour.tissue import Levels, Tissue

Floats = NDArray[np.float32]

_NECROSIS_HU, _FILL = (90.0, 110.0), (1.0, 2.0)
_FLESH_HU, _FLUID_HU = 10.0, 0.0
"""Least mean HU of a tumour, and of its dead core."""
_FAINTEST_HU = 50.0
"""Contrast that is left at least: a label on nothing to be seen would teach nothing."""
TEXTURE = 0.52
"""Mean of a tumour's texture: the share of its contrast that it has on average (section 3.3)."""
_FAT_HU = 65.0
"""Below it, voxels of the pancreas are fat between its lobules."""
_SIGMA, _RADIUS = (0.0, 0.8, 0.8), (0, 1, 1)
_HALF = CORE / FULL


@dataclass(frozen=True, slots=True)
class Tumour:
    """A grown tumour on the grid of the image that it is drawn into."""

    share_zyx: Floats
    """Population as a share of the fullest, 0 to 1; the dead count as full."""
    dead_zyx: Floats
    """Share of each voxel that is dead, 0 to 1."""
    levels_zyx: Levels
    """Tissue before the tumour came."""
    texture_zyx: Floats
    """Share of the contrast, 0 to 1."""
    pattern_zyx: Floats
    """HU by which the organ's own structure differs from its median."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """How far a tumour's HU lie from its organ's."""

    solid_hu: float
    necrosis_hu: float
    fill: float
    """How much fat inside is filled, in the tumour's mean HU."""
    fade: float = 0.0
    """Share of the organ's own structure that is gone inside. Ours, as in the handcrafted."""

    @classmethod
    def draw(cls, structure: str, diameter_mm: float, rng: np.random.Generator) -> Contrast:
        """From the published ranges, which suit an organ that enhances."""
        look = LOOKS[structure]
        solid_hu = look.drop_hu if diameter_mm < LARGE_MM else look.drop_large_hu
        return cls(
            rng.uniform(*solid_hu), rng.uniform(*_NECROSIS_HU), rng.uniform(*_FILL), look.fade
        )

    def limited(self, organ_hu: float) -> Contrast:
        """No darker than flesh and fluid are, where the organ itself has few HU; ours."""
        solid_hu = min(self.solid_hu, max(_FAINTEST_HU, (organ_hu - _FLESH_HU) / TEXTURE))
        left_hu = organ_hu - TEXTURE * solid_hu - _FLUID_HU
        necrosis_hu = min(self.necrosis_hu, max(0.0, left_hu / TEXTURE))
        return Contrast(solid_hu, necrosis_hu, self.fill, self.fade)


def blurred(array_zyx: Floats) -> Floats:
    """Blurred over the eight neighbours in the same slice."""
    blurred_zyx = np.empty(array_zyx.shape, np.float32)
    ndimage.gaussian_filter(array_zyx, _SIGMA, output=blurred_zyx, radius=_RADIUS, mode="nearest")  # pyright: ignore[reportCallIssue]
    return blurred_zyx


def attenuated(
    image_zyx: Floats, tumour: Tumour, tissue: Tissue, contrast: Contrast, *, fatty: bool
) -> Floats:
    """HU with the tumour in them; the very same where its share is 0.

    Vessels inside are cut off from blood, the solid part is darker than the organ, its dead core
    darker still. ``fatty`` fills the fat of a lobulated organ.
    """
    share_zyx, texture_zyx = tumour.share_zyx, tumour.texture_zyx
    hu_zyx = image_zyx * _without_blood(tumour, tissue)
    # What blood's absence has darkened already is not to fade as well.
    left_zyx = tumour.pattern_zyx + (hu_zyx - image_zyx)
    bright = tumour.pattern_zyx > 0
    left_zyx = np.where(bright, np.maximum(left_zyx, 0.0), tumour.pattern_zyx)
    hu_zyx -= np.float32(contrast.fade) * share_zyx * left_zyx
    if fatty:
        fat = (hu_zyx <= _FAT_HU) & (share_zyx > 0)
        mean_hu = max(0.0, float(image_zyx[share_zyx > 0].mean()))
        filled_hu = contrast.fill * mean_hu * texture_zyx * share_zyx
        hu_zyx += np.where(fat, filled_hu, np.float32(0.0))
    hu_zyx -= contrast.solid_hu * texture_zyx * share_zyx
    hu_zyx -= contrast.necrosis_hu * texture_zyx * tumour.dead_zyx
    smooth = (share_zyx >= _HALF) & (tumour.levels_zyx >= HARD)
    smooth |= fatty & (share_zyx >= _HALF) & (image_zyx <= _FAT_HU)
    hu_zyx = np.where(smooth, blurred(hu_zyx), hu_zyx)
    return np.where(share_zyx > 0, hu_zyx, image_zyx).astype(np.float32)


def _without_blood(tumour: Tumour, tissue: Tissue) -> Floats:
    """Factors on HU that bring barriers and hard tissue inside the tumour down to the rest."""
    low_hu, high_hu = max(0.0, tissue.low_hu), max(1.0, tissue.high_hu)
    barrier = (tumour.levels_zyx == BARRIER) & (tumour.share_zyx >= _HALF)
    hard = (tumour.levels_zyx == HARD) & (tumour.share_zyx > 0)
    factors = np.ones(tumour.share_zyx.shape, np.float32)
    factors[barrier] = min(1.0, (low_hu + tissue.interval_hu / 2) / high_hu)
    factors[hard] = min(1.0, (low_hu + 2 * tissue.interval_hu) / high_hu)
    return factors
