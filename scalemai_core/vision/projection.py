"""Pictures of a whole scan and a mask on one plane, as an X-ray would show them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scalemai_core.records.label_map import ImageZYX

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

BODY_HU = (-500.0, 1500.0)
"""Window under overlays: soft tissue and bone; section 2.2."""
SKELETON_HU = (200.0, 1500.0)
"""Window of the picture that tells the field of view. Section 2.2 has 400 to 2000, with a local
equalisation afterwards; without it, the lower end has to show ribs as well."""
SKELETON_GAMMA = 0.6
"""Brightens thin bone; section 2.2."""
SKELETON_WHITE = 0.995
"""Share of the rays that are darker than white: an implant would leave bones in the dark. Ours."""
RED_FLOOR = 0.35
"""Least red inside a mask: over dark lungs it must be seen as well. Ours."""
_SLAB = 32
_DARK = 1e-6
"""White of a scan without anything in the window: everything stays black."""


class Plane(Enum):
    """A direction of looking; its axis in (z, y, x), and where the sides of the patient are."""

    CORONAL = ("seen from the front", 1, "the patient's right is on the left, the head at the top")
    SAGITTAL = (
        "seen from the side",
        2,
        "the front of the body is on the left, the head at the top",
    )
    AXIAL = (
        "seen from the feet",
        0,
        "the patient's right is on the left, the front of the body at the top",
    )

    def __init__(self, looking: str, axis: int, sides: str) -> None:
        self.looking = looking
        self.axis = axis
        self.sides = sides


@dataclass(frozen=True, slots=True)
class Projector:
    """One plane of one scan: every picture of it has the same size and place.

    ``image_zyx`` is canonical: its axes run to superior, anterior and right, and pictures run from
    head to feet, from front to back and from the patient's right to the left (method reference,
    section 2.2), so that every axis is turned round.
    """

    image_zyx: ImageZYX
    spacing_mm_zyx: tuple[float, float, float]
    plane: Plane
    longest_px: int

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height; a pixel is square in the patient."""
        height_mm, width_mm = (
            size * spacing
            for axis, (size, spacing) in enumerate(
                zip(self.image_zyx.shape, self.spacing_mm_zyx, strict=True)
            )
            if axis != self.plane.axis
        )
        scale = self.longest_px / max(height_mm, width_mm)
        return max(1, round(width_mm * scale)), max(1, round(height_mm * scale))

    def body(self) -> Floats:
        """The sum along every ray, brightest 1: shape (height, width)."""
        sums = _ray_sums(self.image_zyx, self.plane.axis, BODY_HU)
        return self._fitted(sums, float(sums.max()))

    def skeleton(self) -> Floats:
        """The same of bones alone."""
        sums = _ray_sums(self.image_zyx, self.plane.axis, SKELETON_HU)
        return self._fitted(sums, float(np.quantile(sums, SKELETON_WHITE))) ** np.float32(
            SKELETON_GAMMA
        )

    def shadow(self, mask_zyx: Mask) -> Mask:
        """Rays that meet the mask."""
        rays = np.asarray(mask_zyx.any(axis=self.plane.axis), dtype=np.uint8)
        picture = Image.fromarray(np.ascontiguousarray(rays[::-1, ::-1]))
        return np.asarray(picture.resize(self.size_px, Image.Resampling.NEAREST)) > 0

    def _fitted(self, sums: Floats, white: float) -> Floats:
        shares = np.minimum(sums[::-1, ::-1] / np.float32(max(white, _DARK)), np.float32(1.0))
        picture = Image.fromarray(np.ascontiguousarray(shares))
        return np.asarray(picture.resize(self.size_px, Image.Resampling.BILINEAR))


def _ray_sums(image_zyx: ImageZYX, axis: int, window_hu: tuple[float, float]) -> Floats:
    """Windowed to [0, 1] and summed along an axis, a slab of slices at a time."""
    parts = [slab.sum(axis=axis, dtype=np.float32) for slab in _slabs(image_zyx, window_hu)]
    return np.add.reduce(parts) if axis == 0 else np.concatenate(parts)


def _slabs(image_zyx: ImageZYX, window_hu: tuple[float, float]) -> Iterator[Floats]:
    low, high = window_hu
    for start in range(0, image_zyx.shape[0], _SLAB):
        slab = image_zyx[start : start + _SLAB].astype(np.float32)
        yield np.clip((slab - np.float32(low)) / np.float32(high - low), 0.0, 1.0)


def gray_png(picture: Floats) -> bytes:
    """A projection as it is."""
    return _png(np.repeat(_bytes(picture)[..., None], 3, axis=2))


def overlay_png(picture: Floats, shadow: Mask) -> bytes:
    """A projection with a mask's shadow in translucent red: red keeps the CT, the rest is 0."""
    colors = np.repeat(_bytes(picture)[..., None], 3, axis=2)
    red = _bytes(RED_FLOOR + (1.0 - RED_FLOOR) * picture[shadow])
    colors[shadow] = np.stack([red, np.zeros_like(red), np.zeros_like(red)], axis=-1)
    return _png(colors)


def _bytes(values: Floats) -> NDArray[np.uint8]:
    return np.rint(np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8)


def _png(colors: NDArray[np.uint8]) -> bytes:
    file = BytesIO()
    Image.fromarray(colors).save(file, "PNG")
    return file.getvalue()
