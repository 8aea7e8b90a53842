"""Tumours of the automaton in a CT: one in a patch, or one at several stages of its growth.

It grows on voxels of 1 mm whatever the grid of the image: the box around it is resampled there and
what has grown is brought back, so that the same order grows alike in thin and in thick slices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.settings.tumours import TumourSettings
from scalemai_core.synthesize.tumour.attenuation import Contrast, Tumour, attenuated, blurred
from scalemai_core.synthesize.tumour.calibration import expected_steps
from scalemai_core.synthesize.tumour.growth import BARRIER, CHANCES, FULL, Growth
from scalemai_core.synthesize.tumour.necrosis import dead_cells
from scalemai_core.synthesize.tumour.order import LEAST_MM3, Implant, TumourOrder
from scalemai_core.synthesize.tumour.plot import CELL_MM, Bed, Box, Mask, Plot
from scalemai_core.synthesize.tumour.sites import site_of
from scalemai_core.synthesize.tumour.texture import MEAN, draw_texture
from scalemai_core.synthesize.tumour.tissue import mean_chance
from scalemai_core.volume.interpolate import resample_image
from scalemai_core.volume.resample import resample_labels

_PATIENCE = 3
"""A tumour gives up after this many times the steps it should need."""
_LOBED_SHARE, _LOBES, _LOBE_REACH_MM = 1 / 3, (3, 9), 10.0
_NECROSIS_SHARE = 0.5
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Stage:
    """One tumour at one time."""

    wanted_mm: float
    num_steps: int
    box: Box
    """Part of the bed outside of which nothing has changed."""
    image_zyx: NDArray[np.float32]
    """HU in the box."""
    mask_zyx: Mask
    """The tumour in the box, its dead core included."""
    dead_zyx: Mask
    """The dead core alone."""


def grow_tumour(
    image_zyx: NDArray[np.float32],
    organ_zyx: Mask,
    spacing_mm: float,
    order: TumourOrder,
    settings: TumourSettings,
) -> Implant | None:
    """The patch with the ordered tumour in its organ; None where there is no place for it.

    ``image_zyx`` is HU of cubic voxels; HU change only in the organ, within the tumour and one
    voxel around it in the slice, over which its edge is blurred.
    """
    bed = Bed(image_zyx, organ_zyx, (spacing_mm, spacing_mm, spacing_mm))
    for stage in grow_stages(bed, order, (order.diameter_mm,), settings):
        if int(stage.mask_zyx.sum()) * spacing_mm**3 < LEAST_MM3:
            return None
        grown_zyx, mask_zyx = image_zyx.copy(), np.zeros(organ_zyx.shape, np.bool_)
        grown_zyx[stage.box], mask_zyx[stage.box] = stage.image_zyx, stage.mask_zyx
        return Implant(grown_zyx, mask_zyx)
    return None


def grow_stages(
    bed: Bed, order: TumourOrder, diameters_mm: Sequence[float], settings: TumourSettings
) -> Iterator[Stage]:
    """One tumour at each of the rising diameters; nothing where the organ has no room to begin.

    It holds the volume of a sphere of the diameter or a little more: a step's growth. Where the
    organ ends before that, it stops short.
    """
    rng = np.random.default_rng([order.seed])
    plot = Plot.of(bed, order, max(diameters_mm), rng)
    if plot is None:
        return
    cores_zyx = _cores(plot, min(diameters_mm), rng)
    chances = (1.0, 1.0, 1.0) if settings.legacy_probabilities else CHANCES
    chance = mean_chance(plot.levels_zyx, chances)
    growth = Growth(plot.levels_zyx, cores_zyx, order.seed, chances)
    inside = _Inside.draw(plot, order.structure, max(diameters_mm), rng)
    dead_zyx = np.zeros(plot.levels_zyx.shape, np.bool_)
    for wanted_mm in diameters_mm:
        enough = round(np.pi / 6.0 * wanted_mm**3 / plot.cell_mm3)
        allowed = _PATIENCE * expected_steps(wanted_mm, chance)
        growth.grow(max(0, allowed - growth.num_steps), enough)
        state_zyx = growth.state_zyx
        if inside.dies and wanted_mm > site_of(order.structure).necrosis_mm:
            age = expected_steps(wanted_mm)  # of the published rule, whatever the tissue
            dead_zyx |= dead_cells(state_zyx, cores_zyx, age, order.seed)
        image_zyx, mask_zyx, shown_dead_zyx = _drawn(plot, state_zyx, dead_zyx, inside)
        yield Stage(wanted_mm, growth.num_steps, plot.box, image_zyx, mask_zyx, shown_dead_zyx)


@dataclass(frozen=True, slots=True)
class _Inside:
    """What a tumour looks like, drawn once for all its stages."""

    dies: bool
    contrast: Contrast
    texture_zyx: NDArray[np.float32]
    """In cells; share of the contrast, its mean a little above a half."""

    @classmethod
    def draw(
        cls, plot: Plot, structure: str, diameter_mm: float, rng: np.random.Generator
    ) -> _Inside:
        dies = bool(rng.random() < _NECROSIS_SHARE)
        contrast = Contrast.draw(structure, diameter_mm, rng).limited(plot.organ_hu)
        texture_zyx = draw_texture(plot.levels_zyx.shape, diameter_mm, CELL_MM, rng)
        texture_zyx *= np.float32(rng.uniform(*MEAN) / float(texture_zyx.mean()))
        return cls(dies, contrast, np.clip(texture_zyx, 0.0, 1.0))


def _cores(plot: Plot, diameter_mm: float, rng: np.random.Generator) -> NDArray[np.intp]:
    """Where it begins: one cell, or several around it, which makes it lobed."""
    if rng.random() >= _LOBED_SHARE:
        return plot.start_zyx[None]
    reach = min(_LOBE_REACH_MM, diameter_mm / 4.0)
    number = int(rng.integers(_LOBES[0], _LOBES[1] + 1))
    around = plot.start_zyx + np.rint(rng.uniform(-reach, reach, (number, 3))).astype(np.intp)
    inside = ((around >= 0) & (around < plot.levels_zyx.shape)).all(axis=1)
    around = around[inside]
    around = around[plot.levels_zyx[tuple(around.T)] < BARRIER]
    return np.concatenate([plot.start_zyx[None], around])


def _drawn(
    plot: Plot, state_zyx: NDArray[np.uint8], dead_zyx: Mask, inside: _Inside
) -> tuple[NDArray[np.float32], Mask, Mask]:
    """Bring what has grown in cells to the image's grid: HU, tumour, its dead core."""
    shape_zyx = plot.organ_zyx.shape
    there = resample_image((state_zyx > 0).astype(np.float32), shape_zyx) >= _HALF
    share_zyx = blurred(state_zyx.astype(np.float32) / np.float32(FULL))
    tumour = Tumour(
        share_zyx=resample_image(share_zyx, shape_zyx) * plot.organ_zyx,
        dead_zyx=resample_image(blurred(dead_zyx.astype(np.float32)), shape_zyx),
        levels_zyx=resample_labels(plot.levels_zyx, shape_zyx),
        texture_zyx=resample_image(inside.texture_zyx, shape_zyx),
        pattern_zyx=plot.pattern_zyx,
    )
    image_zyx = attenuated(plot.image_zyx, tumour, plot.tissue, inside.contrast, fatty=plot.fatty)
    mask_zyx = there & plot.organ_zyx
    return image_zyx, mask_zyx, resample_labels(dead_zyx, shape_zyx) & mask_zyx
