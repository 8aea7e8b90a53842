"""Bones and the muscles along the spine of a phantom."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from scalemai_core.synthesize.canvas import Canvas
from scalemai_core.synthesize.shapes import (
    Block,
    Floats,
    Point,
    Shape,
    Tube,
    blend,
    clip,
    cut,
    ellipsoid,
)
from scalemai_core.synthesize.torso import Torso, outline, pelvis_outline

VERTEBRAE: dict[str, float] = {
    "vertebrae_T9": 145.0,
    "vertebrae_T10": 115.0,
    "vertebrae_T11": 84.0,
    "vertebrae_T12": 52.0,
    "vertebrae_L1": 18.0,
    "vertebrae_L2": -17.0,
    "vertebrae_L3": -52.0,
    "vertebrae_L4": -87.0,
    "vertebrae_L5": -121.0,
}
"""Height of each body's middle, mm."""

BONE = [(0.0, 420.0), (3.0, 170.0)]


def spine_y(z_mm: float) -> float:
    """Where the vertebral bodies' middle lies: a gentle lordosis."""
    return float(
        np.interp(
            z_mm,
            [-240, -190, -150, -100, -50, 20, 90, 150],
            [-78, -80, -58, -46, -44, -50, -58, -62],
        )
    )


def paint_back(canvas: Canvas, torso: Torso) -> None:
    """The muscles beside the spine, painted before the bones that stand in them."""
    patient = canvas.patient
    muscle = patient.hu("muscle")
    bulk = patient.factor("muscles", 0.08)
    for side, name in ((-1.0, "left"), (1.0, "right")):
        heights = [160.0, 90.0, 20.0, -60.0, -120.0, -185.0]
        back = Tube.through(
            [(side * 31.0, spine_y(z) - 36.0, z) for z in heights],
            [r * bulk for r in (18.0, 21.0, 25.0, 27.0, 24.0, 9.0)],
            flatten=0.72,
        )
        canvas.paint(
            back.shape, [(0.0, -40.0), (1.5, muscle)], f"autochthon_{name}", within=torso.wall + 1.0
        )
        psoas = Tube.through(
            [
                (side * 24.0, -48.0, 22.0),
                (side * 35.0, -46.0, -45.0),
                (side * 46.0, -38.0, -115.0),
                (side * 66.0, -8.0, -180.0),
                (side * 68.0, 50.0, -248.0),
            ],
            [r * bulk for r in (6.0, 15.0, 20.0, 20.0, 15.0)],
        )
        canvas.paint(psoas.shape, muscle, f"iliopsoas_{name}", within=torso.belly - 5.0)
        quadratus = ellipsoid(
            (side * 62.0, -62.0, -62.0), (17.0, 9.0, 58.0), turn_z_deg=side * 20.0
        )
        canvas.paint(quadratus, muscle, keep=True)


def paint_bones(canvas: Canvas, torso: Torso) -> None:
    """Spine with cord and discs, sacrum, hips, and ribs (in the image only)."""
    _paint_ribs(canvas)
    _paint_hips(canvas, torso)
    _paint_sacrum(canvas)
    heights = sorted(VERTEBRAE.values())
    for low, high in pairwise(heights):
        z = 0.5 * (low + high)
        canvas.paint(ellipsoid((0.0, spine_y(z), z), (22.0, 17.0, 7.0)), 85.0)
    size = canvas.patient.factor("vertebrae", 0.04)
    for name, z in VERTEBRAE.items():
        canvas.paint(_vertebra(z, size), BONE, name)
    canal = [(0.0, spine_y(z) - 25.0, z) for z in (165.0, 90.0, 20.0, -60.0, -130.0)]
    canvas.paint(Tube.through(canal, [9.5] * 5).shape, -10.0)
    canvas.paint(Tube.through(canal, [7.5] * 5).shape, [(0.0, 15.0), (2.0, 38.0)], "spinal_cord")


def _vertebra(z: float, size: float) -> Shape:
    y = spine_y(z)
    narrow = float(np.interp(z, [-120, 20, 150], [1.08, 1.0, 0.82])) * size
    half = 13.0 if z > 0 else 14.0

    def body(block: Block) -> Floats:
        dx, dy, dz = block.x / (23.0 * narrow), (block.y - y) / (17.0 * narrow), np.abs(block.z - z)
        ring = (np.hypot(dx, dy) - 1.0) * 19.0 * narrow - 1.5 * (dz / half) ** 2
        return np.maximum(ring, dz - half).astype(np.float32)

    lower, upper = (-60.0, y - 62.0, z - 34.0), (60.0, y + 24.0, z + 22.0)
    arch = cut(
        ellipsoid((0.0, y - 24.0, z - 2.0), (20.0, 16.0, 12.0)),
        ellipsoid((0.0, y - 25.0, z - 2.0), (10.5, 9.5, 60.0)),
    )
    spinous = Tube.through(
        [(0.0, y - 36.0, z - 3.0), (0.0, y - 52.0, z - 12.0)], [5.0, 4.0], steps=2
    )
    parts = blend(Shape(lower, upper, body), blend(arch, spinous.shape, 3.0), 3.0)
    for side in (-1.0, 1.0):
        wing = Tube.through(
            [(side * 14.0, y - 22.0, z), (side * 36.0, y - 27.0, z + 2.0)], [5.5, 3.5], steps=2
        )
        parts = blend(parts, wing.shape, 3.0)
    return parts


def _paint_sacrum(canvas: Canvas) -> None:
    def wedge(block: Block) -> Floats:
        t = np.clip((block.z + 240.0) / 100.0, 0.0, 1.0)
        middle = np.interp(block.z, [-240, -190, -150], [-78, -82, -62]).astype(np.float32)
        half_x, half_y = 14.0 + 42.0 * t**0.8, 8.0 + 16.0 * t
        f = ((np.abs(block.x) / half_x) ** 2.5 + (np.abs(block.y - middle) / half_y) ** 2.5) ** 0.4
        return np.maximum((f - 1.0) * half_y, np.abs(block.z + 192.0) - 52.0).astype(np.float32)

    shape = Shape((-58.0, -112.0, -246.0), (58.0, -30.0, -138.0), wedge)
    canvas.paint(shape, BONE, "sacrum", rough_mm=0.8)


def _paint_hips(canvas: Canvas, torso: Torso) -> None:
    muscle = canvas.patient.hu("muscle")
    for side, name in ((-1.0, "left"), (1.0, "right")):

        def wing(block: Block, side: float = side) -> Floats:
            half_x, half_y = pelvis_outline(np.minimum(block.z, -118.0))
            f = np.hypot(block.x / half_x, (block.y - 12.0) / half_y)
            radial = np.hypot(block.x, block.y - 12.0) * (1.0 - 1.0 / np.maximum(f, 1e-3))
            thick = 4.0 + 2.5 * np.clip((block.z + 118.0) / -60.0, 0.0, 2.0)
            crest = block.z + 112.0 + ((block.y + 8.0) / 16.0) ** 2
            return np.maximum.reduce(
                [np.abs(radial) - thick, crest, 46.0 - side * block.x, block.y - 62.0]
            ).astype(np.float32)

        lower = (-135.0, -100.0, -260.0) if side < 0 else (44.0, -100.0, -260.0)
        upper = (-44.0, 64.0, -106.0) if side < 0 else (135.0, 64.0, -106.0)
        for center, radii in (
            ((side * 96.0, -30.0, -185.0), (44.0, 56.0, 66.0)),
            ((side * 64.0, -78.0, -215.0), (60.0, 30.0, 70.0)),
        ):
            gluteus = ellipsoid(center, radii, turn_z_deg=side * 14.0)
            canvas.paint(gluteus, [(0.0, -60.0), (1.5, muscle)], within=torso.wall, keep=True)
        socket = ellipsoid((side * 78.0, 14.0, -248.0), (24.0, 28.0, 30.0))
        canvas.paint(blend(Shape(lower, upper, wing), socket, 8.0), BONE, f"hip_{name}")


def _paint_ribs(canvas: Canvas) -> None:
    for head_z in (225.0, 198.0, 172.0, 147.0, 117.0, 86.0, 54.0):
        short = head_z < 100.0  # noqa: PLR2004 - the floating ribs
        sweep = np.linspace(-62.0, 5.0 if short else 62.0, 9)
        for side in (-1.0, 1.0):
            points = [_on_wall(side, angle, head_z - 0.62 * (angle + 62.0)) for angle in sweep]
            points.insert(0, (side * 22.0, spine_y(min(head_z, 150.0)) - 18.0, head_z + 2.0))
            rib = Tube.through(points, [4.5] + [5.0] * 9, steps=3).shape
            canvas.paint(clip(rib, lambda block: 5.0 - block.z), [(0.0, 380.0), (3.0, 190.0)])


def _on_wall(side: float, angle_deg: float, z_mm: float) -> Point:
    """A point of the chest wall; -90 degrees is the back, 0 the side, 90 the front."""
    half_x, half_y = (float(half) for half in outline(np.asarray(z_mm)))
    angle = np.deg2rad(angle_deg)
    c, s = np.cos(angle), np.sin(angle)
    bulge = 2.2 if s > 0 else 2.7
    radius = ((c / (half_x - 7.0)) ** bulge + (abs(s) / (half_y - 7.0)) ** bulge) ** (-1.0 / bulge)
    return (float(side * radius * c), float(radius * s - 3.0), z_mm)
