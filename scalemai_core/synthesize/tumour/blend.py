"""Putting a hand-crafted tumour's HU into an organ's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.synthesize.tumour.looks import LARGE_MM, LOOKS, Look
from scalemai_core.synthesize.tumour.shape import Form
from scalemai_core.synthesize.tumour.sites import site_of
from scalemai_core.synthesize.tumour.texture import MEAN, draw_texture

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

FAT_HU = -100.0
_WATER_HU = 0.0
_FEW = 10
_NOISE_MM = 1.0
"""What a Gaussian of this deviation takes away is noise, what it leaves is structure."""
_SKIN_MM = 1.0
"""Depth, as a Gaussian's deviation, below which a mask's voxels are surely the organ."""
_STEPS = (0.35, 0.85)
"""Shares of the blurred mask between which the tumour's HU set in, so that a mask's staircase does
not show."""
_CORE = 1.2
_SHELL = (0.3, 0.6)
"""Share of the tumour in the voxels of its capsule; method reference, section 3.4."""
_SHELL_HU = (10.0, 40.0)
_SHELL_BLUR_MM = 1.0
_PLAIN_HU = (10.0, 100.0)
"""An organ at the second value or above shows full contrast, one near the first hardly any."""
_LEAST_CONTRAST = 0.3
_WALL_NOISE_HU = 8.0
_SAMPLED = 20_000
"""About as many voxels tell an organ's median and noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The organ in the tumour's box, before there is one."""

    image_zyx: Floats
    organ_zyx: Bools
    spacing_mm: float


def blend(
    ground: Ground,
    form: Form,
    order: tuple[str, float],
    rng: np.random.Generator,
) -> Floats:
    """HU of the box with a tumour of ``order``, its structure and diameter in mm, in it.

    ``HU - weight * drop`` as in section 3.3, step 6, where ``weight`` is texture times share, its
    mean over the tumour that of the texture: without it the edge's blur would take half the
    contrast of a tiny tumour. Two additions of ours: the organ's own structure fades inside by the
    look's share, noise stays; and a voxel that is part fat has only its part of the drop. HU
    change where the form's share is above 0 in the organ, and nowhere else.
    """
    structure, diameter_mm = order
    look, in_wall = LOOKS[structure], site_of(structure).in_wall
    level = _level(look, rng)
    calm_hu, noise_hu, base = _calm(ground)
    if in_wall and level is not None:
        # A hollow organ's gas and stool say nothing of its wall's noise.
        calm_hu, noise_hu = level, min(noise_hu, _WALL_NOISE_HU)
    skin = ndimage.gaussian_filter(
        ground.organ_zyx.astype(np.float32), _SKIN_MM / ground.spacing_mm, mode="nearest"
    )
    share = np.where(ground.organ_zyx, form.share_zyx, np.float32(0.0))
    share *= np.clip((skin - _STEPS[0]) / (_STEPS[1] - _STEPS[0]), 0.0, 1.0)
    fade = share * np.clip(2.0 * skin - 1.0, 0.0, 1.0) * np.float32(look.fade)
    noise = ground.image_zyx - base
    # What differs more is an edge.
    noise[np.abs(noise) > 3.0 * noise_hu] = 0.0
    image = ground.image_zyx + fade * (calm_hu + noise - ground.image_zyx)
    tissue = base + fade * (calm_hu - base)
    drop = np.clip((tissue - FAT_HU) / (calm_hu - FAT_HU), 0.0, 1.0)
    if level is not None:
        drop *= share * np.float32(calm_hu - level)
    else:
        texture = draw_texture(share.shape, diameter_mm, ground.spacing_mm, rng)
        texture *= share * (1.0 + form.depth_zyx * np.float32(_core(diameter_mm, rng)))
        contrast = _contrast(look, diameter_mm, calm_hu, rng)
        drop *= _weight(texture, form.solid_zyx, rng) * np.float32(contrast)
    return (image - drop).astype(np.float32)


def add_capsule(ground: Ground, form: Form, rng: np.random.Generator) -> Floats:
    """HU with a brighter shell at the tumour's edge, in the organ; section 3.4."""
    share = form.share_zyx
    shell = ((share > _SHELL[0]) & (share < _SHELL[1])).astype(np.float32)
    soft = ndimage.gaussian_filter(shell, _SHELL_BLUR_MM / ground.spacing_mm, mode="constant")
    there = ground.organ_zyx & (share > 0)
    brighter = np.float32(rng.uniform(*_SHELL_HU)) * soft
    return ground.image_zyx + np.where(there, brighter, np.float32(0.0))


def _level(look: Look, rng: np.random.Generator) -> float | None:
    return None if look.level_hu is None else float(rng.uniform(*look.level_hu))


def _calm(ground: Ground) -> tuple[float, float, Floats]:
    """The organ's median HU, its noise's standard deviation, and the image without noise.

    Fat that lies in the organ is left out of the median, where the organ is more than fat.
    """
    base = ndimage.gaussian_filter(
        ground.image_zyx, _NOISE_MM / ground.spacing_mm, mode="nearest", truncate=3.0
    )
    inside = np.flatnonzero(ground.organ_zyx)
    inside = inside[:: max(1, inside.size // _SAMPLED)]
    here = ground.image_zyx.ravel()[inside]
    rest = np.abs(here - base.ravel()[inside])
    # The quartile that edges do not reach, for a normal distribution.
    noise_hu = float(np.percentile(rest, 25.0)) / 0.3186
    tissue = here[here > _WATER_HU]
    median_hu = np.median(tissue if tissue.size * _FEW > here.size else here)
    return float(median_hu), noise_hu, np.asarray(base, np.float32)


def _contrast(look: Look, diameter_mm: float, calm_hu: float, rng: np.random.Generator) -> float:
    """Drawn for an enhanced organ; less in one that is itself little brighter than water. Ours."""
    bounds = look.drop_hu if diameter_mm < LARGE_MM else look.drop_large_hu
    low, high = _PLAIN_HU
    seen = float(np.clip((calm_hu - low) / (high - low), _LEAST_CONTRAST, 1.0))
    return float(rng.uniform(*bounds)) * seen


def _core(diameter_mm: float, rng: np.random.Generator) -> float:
    """How much darker than its rim the middle of a tumour is: more so in larger ones. Ours."""
    return float(rng.uniform(0.0, _CORE)) * min(1.0, diameter_mm / LARGE_MM)


def _weight(texture_zyx: Floats, mask_zyx: Bools, rng: np.random.Generator) -> Floats:
    gain = float(rng.uniform(*MEAN)) / max(float(texture_zyx[mask_zyx].mean()), 1e-6)
    return np.clip(texture_zyx * np.float32(gain), 0.0, 1.0)
