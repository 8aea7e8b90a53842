"""The canvas of a phantom: paints shapes into an image and exact label maps at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.synthesize.patient import Patient
from scalemai_core.synthesize.shapes import Block, Floats, Shape, Window
from scalemai_core.taxonomy.taxonomy import Taxonomy

Tissue = float | Sequence[tuple[float, float]]
"""HU, or (depth in mm, HU) from the surface inward."""

PSF_MM = 0.8
"""Standard deviation of the scanner's blur."""


class Canvas:
    """Image and label maps of one phantom while it is being painted; later paint covers earlier."""

    def __init__(
        self, grid: Grid, patient: Patient, deformation_mm: float, taxonomy: Taxonomy
    ) -> None:
        self.grid = grid
        self.patient = patient
        self.taxonomy = taxonomy
        self.image: NDArray[np.float32] = np.full(grid.shape_zyx, -1000.0, dtype=np.float32)
        self.labels: dict[Layer, LabelsZYX] = {
            layer: np.zeros(grid.shape_zyx, dtype=np.uint8) for layer in Layer
        }
        self.soft_mm = float(np.mean(grid.spacing_mm_zyx))
        axes = _template_axes(grid, patient)
        self.block = _deformed(axes, patient.waves, 2 * deformation_mm + self.soft_mm)
        self.bumps = _bumps(self.block, patient.rng("bumps"))

    def paint(
        self,
        shape: Shape,
        tissue: Tissue,
        name: str | None = None,
        *,
        rough_mm: float = 0.0,
        within: Floats | None = None,
        keep: bool = False,
    ) -> None:
        """Lay a shape over what is there.

        ``name`` also labels it; ``within`` (mm, whole grid) clips it to negatives; ``keep`` spares
        voxels that already hold a structure of the anatomy.
        """
        window = self.block.window(shape.lower, shape.upper)
        block = self.block.crop(window)
        if not block.x.size:
            return
        distance = shape.distance(block)
        if rough_mm:
            distance = distance + np.float32(rough_mm) * self.bumps[window]
        if within is not None:
            distance = np.maximum(distance, within[window])
        if keep:
            distance = np.where(
                self.labels[Layer.ANATOMY][window] > 0, np.float32(self.soft_mm), distance
            )
        self.cover(window, distance, tissue)
        if name is not None:
            self.mark(window, distance < 0, name)

    def cover(self, window: Window, distance: Floats, tissue: Tissue) -> None:
        """Lay tissue into the image with soft edges: a voxel takes the share that lies inside."""
        steps = [(0.0, tissue)] if isinstance(tissue, int | float) else tissue
        image = self.image[window]
        for depth_mm, hu in steps:
            share = np.clip(
                0.5 - (distance + np.float32(depth_mm)) / np.float32(self.soft_mm), 0.0, 1.0
            )
            image += share * (np.float32(hu) - image)

    def mark(self, window: Window, inside: NDArray[np.bool_], name: str) -> None:
        """Label voxels; a vessel takes them from the organs around it."""
        structure = self.taxonomy[name]
        self.labels[structure.layer][window][inside] = structure.id
        if structure.layer is Layer.VESSELS and not structure.inside:
            self.labels[Layer.ANATOMY][window][inside] = 0

    def render(self) -> ImageZYX:
        """The finished image: texture, blur and scanner noise, int16 HU."""
        rng = self.patient.rng("noise")
        spacing = np.asarray(self.grid.spacing_mm_zyx)
        body = self.image > -300.0  # noqa: PLR2004 - between lung and fat
        grain = rng.standard_normal(self.image.shape, dtype=np.float32)
        coarse = _unit(ndimage.gaussian_filter(grain, 6.0 / spacing, truncate=2.5))
        fine = _unit(
            ndimage.gaussian_filter(rng.standard_normal(self.image.shape, dtype=np.float32), 0.6)
        )
        image = self.image + np.where(body, 4.0 * coarse, 25.0 * np.clip(coarse, 0.0, None))
        image = ndimage.gaussian_filter(image, PSF_MM / spacing, truncate=3.0)
        image = image + np.float32(self.patient.noise_hu) * fine
        return np.rint(np.clip(image, -1024, 3071)).astype(np.int16)


def _template_axes(grid: Grid, patient: Patient) -> tuple[Floats, Floats, Floats]:
    """Template coordinates along the array's axes (z, y, x), before deformation."""
    affine = grid.matrix
    axes: list[Floats] = []
    for row, size in zip((2, 1, 0), grid.shape_zyx, strict=True):
        world = affine[row, row] * np.arange(size) + affine[row, 3] - patient.origin_mm_xyz[row]
        axes.append(
            ((world - patient.shift_mm_xyz[row]) / patient.scale_xyz[row]).astype(np.float32)
        )
    return (axes[0], axes[1], axes[2])


def _deformed(
    axes: tuple[Floats, Floats, Floats], waves: NDArray[np.float32], margin_mm: float
) -> Block:
    """Coordinates bent by slow waves; each wave is an outer product of three short exponentials."""
    straight = np.broadcast_arrays(
        axes[2][None, None, :], axes[1][None, :, None], axes[0][:, None, None]
    )
    bent = [
        (coordinate + sum(_wave(axes, wave) for wave in per_axis)).astype(np.float32)
        for coordinate, per_axis in zip(straight, waves, strict=True)
    ]
    return Block(bent[0], bent[1], bent[2], axes, margin_mm)


def _wave(axes: tuple[Floats, Floats, Floats], wave: NDArray[np.float32]) -> Floats:
    kx, ky, kz, phase, amplitude = (float(v) for v in wave)
    plane = np.exp(1j * (ky * axes[1][:, None] + kx * axes[2][None, :] + phase)).astype(
        np.complex64
    )
    along = np.exp(1j * kz * axes[0]).astype(np.complex64)
    return np.float32(amplitude) * (
        along.real[:, None, None] * plane.real - along.imag[:, None, None] * plane.imag
    )


def _bumps(block: Block, rng: np.random.Generator) -> Floats:
    """A field of gentle bumps of 25-60 mm and unit height, that roughens surfaces."""
    total = np.zeros(block.x.shape, dtype=np.float32)
    for _ in range(8):
        direction = rng.normal(size=3)
        direction *= 2 * np.pi / rng.uniform(25.0, 60.0) / np.linalg.norm(direction)
        wave = np.array([*direction, rng.uniform(0, 2 * np.pi), 0.5], dtype=np.float32)
        total += _wave(block.axes_zyx, wave)
    return total


def _unit(field: Floats) -> Floats:
    return field / np.float32(field.std() + 1e-6)
