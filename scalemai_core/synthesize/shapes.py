"""Implicit shapes in millimetres: signed distances that are negative inside, evaluated in boxes.

Points are (x, y, z) in template mm: +x the patient's right, +y anterior, +z superior.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
"""Coordinates and distances; float32 wherever an array covers the whole grid."""
Point = tuple[float, float, float]
Window = tuple[slice, slice, slice]

WHOLE: Window = (slice(None), slice(None), slice(None))
"""The window of the whole grid."""

FAR_MM = 1e3
"""Distance given to places that a shape did not look at."""


@dataclass(frozen=True, slots=True)
class Block:
    """A box of voxels with the template coordinates of each; arrays are (z, y, x)."""

    x: Floats
    y: Floats
    z: Floats
    axes_zyx: tuple[Floats, Floats, Floats]
    """Coordinates along each axis before deformation, rising."""
    margin_mm: float
    """How far deformation and soft edges may carry a point."""

    def window(self, lower: Point, upper: Point) -> Window:
        """The slices that may hold points between two corners."""
        slices: list[slice] = []
        for axis, low, high in zip(self.axes_zyx, lower[::-1], upper[::-1], strict=True):
            first = int(np.searchsorted(axis, low - self.margin_mm))
            last = int(np.searchsorted(axis, high + self.margin_mm))
            slices.append(slice(first, last))
        return (slices[0], slices[1], slices[2])

    def crop(self, window: Window) -> Block:
        """The part of the block in a window."""
        zs, ys, xs = window
        z, y, x = self.axes_zyx
        return Block(
            self.x[window], self.y[window], self.z[window], (z[zs], y[ys], x[xs]), self.margin_mm
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """A solid: a box that holds it and its signed distance in mm, negative inside."""

    lower: Point
    upper: Point
    distance: Callable[[Block], Floats]


def ellipsoid(
    center: Point, radii: Point, turn_z_deg: float = 0.0, tilt_y_deg: float = 0.0
) -> Shape:
    """An ellipsoid turned about z, then tilted about y (positive tilt moves its top toward +x)."""
    turn, tilt = np.deg2rad(turn_z_deg), np.deg2rad(tilt_y_deg)
    reach = max(radii) if turn_z_deg or tilt_y_deg else 0.0
    extent = [max(r, reach) for r in radii]

    def distance(block: Block) -> Floats:
        x, y, z = block.x - center[0], block.y - center[1], block.z - center[2]
        if tilt_y_deg:
            x, z = np.cos(tilt) * x - np.sin(tilt) * z, np.sin(tilt) * x + np.cos(tilt) * z
        if turn_z_deg:
            x, y = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
        x, y, z = x / radii[0], y / radii[1], z / radii[2]
        k0 = np.sqrt(x * x + y * y + z * z)
        x, y, z = x / radii[0], y / radii[1], z / radii[2]
        k1 = np.sqrt(x * x + y * y + z * z)
        return (k0 * (k0 - 1.0) / np.maximum(k1, 1e-6)).astype(np.float32)

    lower = (center[0] - extent[0], center[1] - extent[1], center[2] - extent[2])
    upper = (center[0] + extent[0], center[1] + extent[1], center[2] + extent[2])
    return Shape(lower, upper, distance)


@dataclass(frozen=True, slots=True)
class Tube:
    """A round tube of changing radius along a smooth curve through control points."""

    points: NDArray[np.float64]
    """(n, 3) samples of the curve."""
    radii: NDArray[np.float64]
    """(n,) radius at each sample."""
    flatten: float = 1.0
    """Below 1 the tube is squashed in y to this share."""

    @classmethod
    def through(
        cls, points: Sequence[Point], radii: Sequence[float], steps: int = 4, flatten: float = 1.0
    ) -> Tube:
        """A Catmull-Rom curve through the points, ``steps`` pieces between two of them."""
        knots = np.column_stack([np.asarray(points, dtype=np.float64), np.asarray(radii)])
        padded = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
        t = np.linspace(0.0, 1.0, steps, endpoint=False)[:, None]
        pieces = [
            0.5
            * (
                2 * b
                + (c - a) * t
                + (2 * a - 5 * b + 4 * c - d) * t**2
                + (3 * b - a - 3 * c + d) * t**3
            )
            for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False)
        ]
        samples = np.vstack([*pieces, knots[-1:]])
        return cls(samples[:, :3], np.maximum(samples[:, 3], 0.5), flatten)

    @property
    def lower(self) -> Point:
        """Lowest corner of its box."""
        x, y, z = (self.points - self.radii[:, None]).min(axis=0).tolist()
        return (x, y, z)

    @property
    def upper(self) -> Point:
        """Highest corner of its box."""
        x, y, z = (self.points + self.radii[:, None]).max(axis=0).tolist()
        return (x, y, z)

    @property
    def shape(self) -> Shape:
        """The tube as a shape."""
        return Shape(self.lower, self.upper, lambda block: self.trace(block)[0])

    def trace(self, block: Block) -> tuple[Floats, Floats]:
        """Signed distance, and the place along the curve (0 at its start, 1 at its end)."""
        distance = np.full(block.x.shape, FAR_MM, dtype=np.float32)
        place = np.zeros(block.x.shape, dtype=np.float32)
        pieces = len(self.points) - 1
        for piece in range(pieces):
            ends, radii = self.points[piece : piece + 2], self.radii[piece : piece + 2]
            window = block.window(
                tuple((ends.min(axis=0) - radii.max()).tolist()),
                tuple((ends.max(axis=0) + radii.max()).tolist()),
            )
            part = block.crop(window)
            if not part.x.size:
                continue
            near, t = self._piece(part, ends.astype(np.float32), radii.astype(np.float32))
            closer = near < distance[window]
            distance[window][closer] = near[closer]
            place[window][closer] = (piece + t[closer]) / pieces
        return distance, place

    def _piece(self, block: Block, ends: Floats, radii: Floats) -> tuple[Floats, Floats]:
        ax, ay, az = (float(v) for v in ends[0])
        dx, dy, dz = (float(v) for v in ends[1] - ends[0])
        x, y, z = block.x - ax, (block.y - ay) / self.flatten, block.z - az
        dy /= self.flatten
        t = np.clip((x * dx + y * dy + z * dz) / max(dx * dx + dy * dy + dz * dz, 1e-6), 0.0, 1.0)
        x, y, z = x - t * dx, y - t * dy, z - t * dz
        near = np.sqrt(x * x + y * y + z * z) - (radii[0] + t * (radii[1] - radii[0]))
        return near.astype(np.float32), t.astype(np.float32)


def blend(first: Shape, second: Shape, round_mm: float) -> Shape:
    """Union with a fillet of about ``round_mm`` where the two meet."""

    def distance(block: Block) -> Floats:
        a, b = first.distance(block), second.distance(block)
        h = np.clip(0.5 + 0.5 * (b - a) / round_mm, 0.0, 1.0)
        return (b + (a - b) * h - round_mm * h * (1.0 - h)).astype(np.float32)

    return Shape(
        _corner(np.minimum, first.lower, second.lower),
        _corner(np.maximum, first.upper, second.upper),
        distance,
    )


def cut(shape: Shape, away: Shape, gap_mm: float = 0.0) -> Shape:
    """The first shape without the second and a gap around it."""
    return Shape(
        shape.lower,
        shape.upper,
        lambda block: np.maximum(shape.distance(block), gap_mm - away.distance(block)),
    )


def clip(shape: Shape, limit: Callable[[Block], Floats]) -> Shape:
    """The part of a shape where ``limit`` (mm) is negative."""
    return Shape(
        shape.lower, shape.upper, lambda block: np.maximum(shape.distance(block), limit(block))
    )


def inset(shape: Shape, depth_mm: float) -> Shape:
    """The shape shrunk by a depth on all sides."""
    return Shape(
        shape.lower, shape.upper, lambda block: shape.distance(block) + np.float32(depth_mm)
    )


def _corner(choose: Callable[..., NDArray[np.float64]], first: Point, second: Point) -> Point:
    return as_point(choose(np.asarray(first), np.asarray(second)))


def as_point(values: NDArray[np.float64]) -> Point:
    """An array of three as a point."""
    x, y, z = (float(value) for value in values)
    return (x, y, z)
