"""Mass effect: tissue that a tumour pushes outward."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.synthesize.tumour.place import Index

REACH = 1.3
"""Radius of the push against the tumour's; method reference, section 3.4."""
_NOISE_MM = 1.0
"""What a Gaussian of this deviation leaves is structure, which is pushed."""
_SKIN_MM = 6.0
"""Depth in the organ from which the push is whole; at its surface it is none."""


def push_aside(
    image_zyx: NDArray[np.float32],
    organ_zyx: NDArray[np.bool_],
    spacing_mm: float,
    at: tuple[Index, float],
    percent: float,
) -> None:
    """Warp HU in place about ``at``, a centre and a tumour's radius in mm; section 3.4.

    A voxel at the distance ``d`` takes its HU from ``d * (1 - percent / 100 * (1 - d**2 / R**2))``.
    Noise stays where it is. The push fades out towards the organ's surface, so that the outlines
    of the organ and of its neighbours hold.
    """
    centre_zyx, radius_mm = at
    reach = REACH * radius_mm / spacing_mm
    window = tuple(
        slice(max(0, int(c - reach)), min(size, int(c + reach) + 2))
        for c, size in zip(centre_zyx, image_zyx.shape, strict=True)
    )
    organ = organ_zyx[window]
    # The array's border cuts the organ, it is not its surface.
    depth = ndimage.distance_transform_edt(np.pad(organ, 1, mode="edge"))
    depth = np.asarray(depth, np.float32)[1:-1, 1:-1, 1:-1] * np.float32(spacing_mm / _SKIN_MM)
    away = [
        np.arange(part.start, part.stop, dtype=np.float32) - c
        for part, c in zip(window, centre_zyx, strict=True)
    ]
    z, y, x = np.meshgrid(*away, indexing="ij")
    inner = np.clip(1.0 - (z**2 + y**2 + x**2) / np.float32(reach**2), 0.0, 1.0)
    moved = 1.0 - np.float32(percent / 100.0) * inner * np.minimum(depth, 1.0)
    there = organ & (moved < 1.0)
    source = [
        axis[there] * moved[there] + c - part.start
        for axis, c, part in zip((z, y, x), centre_zyx, window, strict=True)
    ]
    here = image_zyx[window]
    calm = ndimage.gaussian_filter(here, _NOISE_MM / spacing_mm, mode="nearest")
    here[there] += ndimage.map_coordinates(calm, source, order=1, mode="nearest") - calm[there]
