"""Virtual patients: one labelled scan, bent into other people whose labels are as true as its."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import ImageZYX
from scalemai_core.settings.section import Section
from scalemai_core.synthesize.flow import Floats, Flow, Wave, draw_flow
from scalemai_core.synthesize.phantoms import Phantom
from scalemai_core.volume.resample import resampled_grid

_SLAB_VOXELS = 1 << 19
"""Voxels whose coordinates are held at a time."""
_HU_RANGE = (-1024, 3071)
"""What a scanner of 12 bits stores."""


class VirtualSettings(Section):
    """How much virtual patients differ from the one that they are made of, and from each other."""

    spacing_mm: float = Field(default=3.0, gt=0)
    """Voxel edge of the virtual scans."""
    size: float = Field(default=0.06, ge=0, le=0.2)
    """Standard deviation of the logarithm of a patient's size, and half of it again along each
    axis."""
    turn_degrees: float = Field(default=3.0, ge=0, le=20)
    """Standard deviation of the turn about each axis, at the centre of the scan."""
    bend_mm: float = Field(default=8.0, ge=0)
    """Standard deviation of the slow displacement along each axis: where organs lie."""
    bend_length_mm: float = Field(default=50.0, gt=0)
    """Standard deviation of the Gaussian that makes it slow."""
    ripple_mm: float = Field(default=1.5, ge=0)
    """Standard deviation of the fast displacement along each axis: how organs are shaped."""
    ripple_length_mm: float = Field(default=16.0, gt=0)
    """Standard deviation of the Gaussian that smooths it."""
    crop_mm: float = Field(default=20.0, ge=0)
    """Largest length by which a scan begins, and ends, elsewhere along z."""
    offset_hu: float = Field(default=6.0, ge=0)
    """Standard deviation of a scanner's calibration error."""
    noise_hu: float = Field(default=15.0, ge=0)
    """Largest standard deviation of the noise that is added."""
    blur_mm: float = Field(default=1.5, ge=0)
    """Largest standard deviation of the Gaussian that a scanner's kernel blurs by."""


def make_virtual(
    source: Phantom, patient: str, rng: np.random.Generator, settings: VirtualSettings
) -> Phantom:
    """Another patient with the anatomy of ``source``, as another scanner would show it.

    Image (linear) and labels (nearest) are sampled once, through one map without folds, so that
    the labels of the result fit its image as those of the source fit theirs. Left stays left, and
    nothing is sampled from outside of the source. ``patient`` is the name; what else is known of
    the source's patient is kept. Beside the result it holds the coordinates of a slab.
    """
    flow = _draw_anatomy(source.grid, rng, settings)
    edge_mm = settings.spacing_mm
    whole = resampled_grid(_resized(source.grid, rng, settings), (edge_mm, edge_mm, edge_mm))
    slices = _draw_slices(whole, rng, settings)
    grid = _cropped(whole, slices)
    image_zyx = np.empty(grid.shape_zyx, np.float32)
    labels = {layer: np.empty(grid.shape_zyx, np.uint8) for layer in source.labels}
    for slab, places in _slabs(flow, source.grid, whole, slices):
        ndimage.map_coordinates(
            source.image_zyx, places, output=image_zyx[slab], order=1, mode="nearest"
        )
        nearest = _nearest(places, source.grid.shape_zyx)
        for layer, labels_zyx in source.labels.items():
            labels[layer][slab] = labels_zyx[nearest]
    info = source.info.model_copy(update={"patient": patient})
    return Phantom(_scanned(image_zyx, rng, settings), labels, grid, info)


def _draw_anatomy(grid: Grid, rng: np.random.Generator, settings: VirtualSettings) -> Flow:
    """A flow of the source's box: from places in the virtual patient to those in the source."""
    extent_mm = np.multiply(grid.shape_zyx, grid.spacing_mm_zyx)
    turn_rad = np.radians(settings.turn_degrees) * rng.normal(size=3)
    waves = (
        Wave(settings.bend_mm, settings.bend_length_mm),
        Wave(settings.ripple_mm, settings.ripple_length_mm),
    )
    return draw_flow(extent_mm, turn_rad, waves, rng)


def _resized(grid: Grid, rng: np.random.Generator, settings: VirtualSettings) -> Grid:
    """The same voxels, larger or smaller."""
    factors_xyz = np.exp(settings.size * (rng.normal() + 0.5 * rng.normal(size=3)))
    matrix = grid.matrix
    matrix[:3, :3] *= factors_xyz
    return Grid.of(grid.shape_zyx, matrix)


def _draw_slices(grid: Grid, rng: np.random.Generator, settings: VirtualSettings) -> range:
    """The slices that are scanned; half of them at least."""
    num_slices = grid.shape_zyx[0]
    most = min(settings.crop_mm / grid.spacing_mm_zyx[0], num_slices / 4)
    below, above = (int(n) for n in rng.uniform(0.0, most, 2))
    return range(below, num_slices - above)


def _cropped(grid: Grid, slices: range) -> Grid:
    matrix = grid.matrix
    matrix[:3, 3] += slices.start * matrix[:3, 2]
    return Grid.of((len(slices), *grid.shape_zyx[1:]), matrix)


def _slabs(flow: Flow, source: Grid, whole: Grid, slices: range) -> Iterator[tuple[slice, Floats]]:
    """Slab by slab of the slices: where it lies among them, and its places (3, z, y, x) in the
    source's array."""
    depth = max(1, _SLAB_VOXELS // (whole.shape_zyx[1] * whole.shape_zyx[2]))
    spacing_mm = np.reshape(source.spacing_mm_zyx, (3, 1, 1, 1))
    for start in range(0, len(slices), depth):
        slab = slice(start, min(start + depth, len(slices)))
        indices = (slices[slab], range(whole.shape_zyx[1]), range(whole.shape_zyx[2]))
        axes_mm = [
            (np.asarray(index) + 0.5) * (extent / size)
            for index, extent, size in zip(indices, flow.extent_mm, whole.shape_zyx, strict=True)
        ]
        points_mm = np.stack(np.meshgrid(*axes_mm, indexing="ij"))
        yield slab, flow.carry(points_mm) / spacing_mm - 0.5


def _nearest(places: Floats, shape_zyx: tuple[int, int, int]) -> tuple[NDArray[np.intp], ...]:
    return tuple(
        np.clip(np.rint(axis), 0, size - 1).astype(np.intp)
        for axis, size in zip(places, shape_zyx, strict=True)
    )


def _scanned(
    image_zyx: NDArray[np.float32], rng: np.random.Generator, settings: VirtualSettings
) -> ImageZYX:
    """The image as another scanner would give it."""
    blur = rng.uniform(0.0, settings.blur_mm) / settings.spacing_mm
    seen_zyx = np.asarray(ndimage.gaussian_filter(image_zyx, blur))
    noise_hu = np.float32(rng.uniform(0.0, settings.noise_hu))
    seen_zyx += noise_hu * rng.standard_normal(seen_zyx.shape, dtype=np.float32)
    seen_zyx += np.float32(rng.normal(0.0, settings.offset_hu))
    return np.rint(seen_zyx).clip(*_HU_RANGE).astype(np.int16)
