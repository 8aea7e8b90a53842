"""The texture of a hand-crafted tumour: how its drop in HU varies inside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scalemai_core.synthesize.tumour.field import smooth_field
from scalemai_core.synthesize.tumour.looks import LARGE_MM

MEAN = (0.5, 0.55)
"""Range of the texture's mean; method reference, section 3.3, step 5."""
_COARSE_MM = (3.0, 6.0, 9.0, 12.0, 15.0)
_FINE_MM = (4.0, 7.0)
_EXTREME = 3.5
"""Standard deviations at which the reference's volumes of noise have their extremes."""


def draw_texture(
    shape_zyx: tuple[int, ...], diameter_mm: float, spacing_mm: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Positive, mean about 0.15, for one tumour's box; section 3.3, step 5.

    The reference sprinkles voxels of 1 mm with a slowly varying probability and blurs them. Blurred
    grains are, by the thousands that share a blur, a mean and normal noise of known variance;
    drawing those two fields gives the same texture at any voxel size and without a bank of volumes.
    """
    coarse = _COARSE_MM if diameter_mm < LARGE_MM else _COARSE_MM[2:]
    coarse_mm, fine_mm = float(rng.choice(coarse)), float(rng.choice(_FINE_MM))
    scale, base = float(rng.uniform(0.19, 0.21)), float(rng.uniform(0.04, 0.06))
    slow_mm = float(np.hypot(coarse_mm, fine_mm))
    # The second blur leaves this share of the first field's deviation.
    kept = (coarse_mm / slow_mm) ** 1.5
    slow = smooth_field(shape_zyx, slow_mm / spacing_mm, rng)
    chance = base + scale * np.clip(0.5 + slow * (kept / (2 * _EXTREME)), 0.0, 1.0)
    grains_mm3 = 8.0 * np.pi**1.5 * fine_mm**3
    noise = smooth_field(shape_zyx, fine_mm / spacing_mm, rng)
    texture = chance + noise * np.sqrt(chance * (1.0 - chance) / np.float32(grains_mm3))
    return np.maximum(texture, 0.0).astype(np.float32)
