"""The place in a scan where a tumour of the automaton grows, in voxels and in cells of 1 mm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.synthesize.tumour.growth import BARRIER
from scalemai_core.synthesize.tumour.order import TumourOrder
from scalemai_core.synthesize.tumour.place import centres
from scalemai_core.synthesize.tumour.sites import SITE_NAMES, site_of
from scalemai_core.synthesize.tumour.tissue import Levels, Tissue, tissue_of
from scalemai_core.volume.interpolate import resample_image
from scalemai_core.volume.resample import resample_labels

Box = tuple[slice, slice, slice]
Mask = NDArray[np.bool_]

CELL_MM = 1.0
"""Edge of a cell; only rounding makes it differ along an axis."""
_DENOISE_CELLS = 1.0
"""Levels are of tissue, not of noise: HU are smoothed before they are told apart."""
_REACH, _MARGIN_MM = 0.8, 6.0
"""A tumour that the organ lets grow freely reaches half its diameter from where it began."""
_SEARCH_CELLS = 5
_NOISE_MM, _NOISE_VOXELS = 1.5, 0.7
"""What a Gaussian of this deviation, the larger of the two, takes away is noise."""
_ENOUGH_VOXELS = 50_000
"""An organ's percentiles do not need more of its voxels."""


@dataclass(frozen=True, slots=True)
class Bed:
    """Where a tumour is to grow."""

    image_zyx: NDArray[np.float32]
    """HU, on any grid."""
    organ_zyx: Mask
    spacing_mm_zyx: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Plot:
    """The box of the bed in which the tumour grows, also in cells."""

    box: Box
    image_zyx: NDArray[np.float32]
    organ_zyx: Mask
    levels_zyx: Levels
    """On the cells' grid."""
    start_zyx: NDArray[np.intp]
    """On the cells' grid."""
    cell_mm3: float
    pattern_zyx: NDArray[np.float32]
    """HU by which the organ's own structure differs from its median, without noise."""
    tissue: Tissue
    organ_hu: float
    """The organ's median."""
    fatty: bool

    @classmethod
    def of(
        cls, bed: Bed, order: TumourOrder, diameter_mm: float, rng: np.random.Generator
    ) -> Plot | None:
        """A box with room for the diameter; None without an organ."""
        spacing_mm = np.array(bed.spacing_mm_zyx)
        site = site_of(order.structure)
        drawn = centres(bed.organ_zyx, bed.spacing_mm_zyx[1], site, rng)
        centre_zyx = order.centre_zyx or next(drawn, None)
        if centre_zyx is None:
            return None
        box = _box(np.array(centre_zyx), bed, _REACH * diameter_mm + _MARGIN_MM)
        image_zyx, organ_zyx = bed.image_zyx[box].astype(np.float32), bed.organ_zyx[box]
        shape_zyx = _cells_of(image_zyx.shape, spacing_mm)
        ratio = np.array(shape_zyx) / np.array(image_zyx.shape)
        corner = np.array([part.start for part in box])
        calm_zyx = resample_image(image_zyx, shape_zyx)
        ndimage.gaussian_filter(calm_zyx, _DENOISE_CELLS, output=calm_zyx)
        organ_hu = bed.image_zyx[bed.organ_zyx]
        organ_hu = organ_hu[:: 1 + organ_hu.size // _ENOUGH_VOXELS]
        tissue = tissue_of(order.structure, organ_hu)
        levels_zyx = tissue.levels(calm_zyx, resample_labels(organ_zyx, shape_zyx))
        start_zyx = _invadable(levels_zyx, (np.array(centre_zyx) - corner + 0.5) * ratio)
        if start_zyx is None:
            return None
        return cls(
            box=box,
            image_zyx=image_zyx,
            organ_zyx=organ_zyx,
            levels_zyx=levels_zyx,
            start_zyx=start_zyx,
            cell_mm3=float(np.prod(spacing_mm / ratio)),
            pattern_zyx=_pattern(image_zyx, organ_zyx, spacing_mm, float(np.median(organ_hu))),
            tissue=tissue,
            organ_hu=float(np.median(organ_hu)),
            fatty=SITE_NAMES[order.structure] == "pancreas",
        )


def _pattern(
    image_zyx: NDArray[np.float32],
    organ_zyx: Mask,
    spacing_mm: NDArray[np.float64],
    organ_hu: float,
) -> NDArray[np.float32]:
    """What lies beyond the organ's surface has no part in it."""
    sigma = np.maximum(_NOISE_MM / spacing_mm, _NOISE_VOXELS).tolist()
    sums, weights = (
        np.asarray(ndimage.gaussian_filter(array, sigma, truncate=3.0), np.float32)
        for array in (
            np.where(organ_zyx, image_zyx - np.float32(organ_hu), np.float32(0.0)),
            organ_zyx.astype(np.float32),
        )
    )
    return np.where(organ_zyx, sums / np.maximum(weights, np.float32(1e-3)), np.float32(0.0))


def _box(centre_zyx: NDArray[np.intp], bed: Bed, reach_mm: float) -> Box:
    reach = np.ceil(reach_mm / np.array(bed.spacing_mm_zyx)).astype(int)
    low = np.maximum(centre_zyx - reach, 0)
    high = np.minimum(centre_zyx + reach + 1, bed.image_zyx.shape)
    z, y, x = (slice(int(start), int(stop)) for start, stop in zip(low, high, strict=True))
    return z, y, x


def _cells_of(shape: tuple[int, ...], spacing_mm: NDArray[np.float64]) -> tuple[int, int, int]:
    z, y, x = (
        max(1, round(size * edge / CELL_MM)) for size, edge in zip(shape, spacing_mm, strict=True)
    )
    return z, y, x


def _invadable(levels_zyx: Levels, place: NDArray[np.float64]) -> NDArray[np.intp] | None:
    """The cell nearest to a place that a tumour can begin in; None where all around refuse."""
    low = np.maximum(place.astype(np.intp) - _SEARCH_CELLS, 0)
    z, y, x = (slice(start, start + 2 * _SEARCH_CELLS + 1) for start in low)
    near = np.argwhere(levels_zyx[z, y, x] < BARRIER) + low
    if not near.size:
        return None
    return near[int(((near + 0.5 - place) ** 2).sum(axis=1).argmin())]
