"""The shape of a hand-crafted tumour: a turned ellipsoid with an uneven surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.synthesize.tumour.field import smooth_field

AXES = (0.75, 1.25)
"""Range of each semi-axis against the radius; method reference, section 3.2."""
BLUR_REACH = 2.5
"""Standard deviations after which the blurred edge ends."""
_ROOM = 1.75
"""Half the box in which a shape is drawn, against its radius."""


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """A tumour in a box of its own, its centre in the box's central voxel."""

    solid_zyx: NDArray[np.bool_]
    """Its voxels before an organ cuts them."""
    share_zyx: NDArray[np.float32]
    """How much of a voxel's HU is the tumour's, 0 to 1: ``solid_zyx`` with a blurred edge."""
    depth_zyx: NDArray[np.float32]
    """1 at the centre, 0 at the surface and outside."""
    reach: int
    """Voxels along an axis that the blurred edge reaches beyond the solid."""

    def cut(self, box: tuple[slice, slice, slice], mask_zyx: NDArray[np.bool_]) -> Form:
        """The part in a box of which only ``mask_zyx`` is left: what is cut off blurs nothing."""
        near = ndimage.maximum_filter(mask_zyx, size=2 * self.reach + 1, mode="constant")
        share_zyx = np.where(near, self.share_zyx[box], np.float32(0.0))
        return Form(mask_zyx, share_zyx, self.depth_zyx[box], self.reach)


def draw_form(
    diameter_mm: float, spacing_mm: float, uneven: float, edge_mm: float, rng: np.random.Generator
) -> Form:
    """A form of about the volume of a sphere of ``diameter_mm``, in one piece; section 3.3.

    Bumps are a random field that scales the distance to the centre, where the reference bends
    space with three control points an axis: both are smooth and of the tumour's own size. Bumps
    that come off are left out, at most a few percent of a rough tumour. Edges are blurred by at
    most a sixth of the diameter, so that a small tumour stays one.
    """
    radius = 0.5 * diameter_mm / spacing_mm
    blur = max(0.4, min(edge_mm, diameter_mm / 6.0) / spacing_mm)
    half = int(np.ceil(_ROOM * radius)) + 1
    shape = (2 * half + 1,) * 3
    distance = _ellipsoid(half, radius, rng)
    bumps = smooth_field(shape, 0.45 * radius, rng) + 0.3 * smooth_field(shape, 0.25 * radius, rng)
    distance *= np.exp(np.float32(-uneven) * np.clip(bumps, -2.0, 2.0))
    count = max(1, round(4.0 / 3.0 * np.pi * radius**3))
    surface = max(float(np.partition(distance.ravel(), count - 1)[count - 1]), 1e-3)
    reach = int(np.ceil(BLUR_REACH * blur))
    distance = _framed(distance, surface, reach + 1)
    solid = _in_one_piece(distance <= surface)
    share = ndimage.gaussian_filter(
        solid.astype(np.float32), blur, mode="constant", truncate=BLUR_REACH
    )
    depth = np.maximum(1.0 - distance / np.float32(surface), np.float32(0.0))
    return Form(solid, np.asarray(share, np.float32), depth, reach)


def _framed(distance_zyx: NDArray[np.float32], surface: float, margin: int) -> NDArray[np.float32]:
    """The box about the same centre that holds the tumour and a margin, and no more."""
    half = len(distance_zyx) // 2
    spread = max(int(np.abs(where - half).max()) for where in np.nonzero(distance_zyx <= surface))
    if spread + margin > half:
        more = spread + margin - half
        return np.pad(distance_zyx, more, constant_values=np.float32(np.inf))
    inner = slice(half - spread - margin, half + spread + margin + 1)
    return distance_zyx[inner, inner, inner]


def _in_one_piece(solid_zyx: NDArray[np.bool_]) -> NDArray[np.bool_]:
    pieces = np.zeros(solid_zyx.shape, np.int32)
    ndimage.label(solid_zyx, output=pieces)
    counts = np.bincount(pieces.ravel())
    return pieces == 1 + int(counts[1:].argmax())


def _ellipsoid(half: int, radius: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Distance to the centre, 1 on an ellipsoid whose axes have the radius as geometric mean."""
    axes = rng.uniform(*AXES, 3)
    axes *= radius / np.cbrt(axes.prod())
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    matrix = (turn / axes).T.astype(np.float32)
    steps = np.arange(-half, half + 1, dtype=np.float32)
    square = np.zeros((2 * half + 1,) * 3, np.float32)
    for row in matrix:
        square += (
            row[0] * steps[:, None, None] + row[1] * steps[:, None] + row[2] * steps
        ) ** np.float32(2.0)
    return np.sqrt(square)
