"""The torso of a phantom: skin, fat, muscle, belly, diaphragm, lungs and heart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scalemai_core.records.label_map import Layer
from scalemai_core.synthesize.canvas import Canvas
from scalemai_core.synthesize.shapes import (
    WHOLE,
    Block,
    Floats,
    Point,
    Shape,
    Tube,
    as_point,
    cut,
    ellipsoid,
)

EVERYWHERE = (-1e4, -1e4, -1e4), (1e4, 1e4, 1e4)
RIBCAGE_Z = 15.0
"""Above this height the wall is ribs and intercostal muscle."""


@dataclass(frozen=True, slots=True)
class Torso:
    """Distances (mm, whole grid) that organs are clipped to; negative inside."""

    wall: Floats
    """The outer surface of the muscles."""
    belly: Floats
    """Inside the abdominal wall and the pelvis, before the back muscles, below the diaphragm."""
    thorax: Floats
    """Inside the ribs, above the diaphragm."""


def paint_torso(canvas: Canvas) -> Torso:
    """Paint everything that the organs lie in; returns the limits they keep to."""
    patient, block = canvas.patient, canvas.block
    wall = _wall(block)
    fat = patient.fat_mm * _fat_share(block)
    canvas.cover(WHOLE, wall - fat - 2.0, [(0.0, 10.0), (2.0, patient.hu("fat"))])
    canvas.cover(WHOLE, wall, patient.hu("muscle"))
    diaphragm = _diaphragm(block, patient.factor("diaphragm", 0.05))
    inner = wall + 11.0
    belly = np.maximum.reduce([inner, -66.0 - block.y, _pelvis(block) + 7.0])
    canvas.cover(WHOLE, belly, patient.hu("fat"))
    _paint_rectus(canvas, inner)
    thorax = np.maximum(inner + 2.0, diaphragm)
    _paint_chest(canvas, thorax)
    return Torso(wall, np.maximum(belly + 1.5, 2.0 - diaphragm), thorax)


def paint_table(canvas: Canvas) -> None:
    """The scanner's table: a shallow curved shell below the back."""
    block = canvas.block
    _, y, x = block.axes_zyx
    bed = -121.0 + x[None, :] ** 2 / 900.0
    shell = np.abs(y[:, None] - bed) - 2.0
    plane = np.maximum(shell, np.abs(x[None, :]) - 168.0).astype(np.float32)
    outside = canvas.image < -500.0  # noqa: PLR2004 - air
    distance = np.where(outside, np.broadcast_to(plane, outside.shape), np.float32(99.0))
    canvas.cover(WHOLE, distance, -350.0)


def outline(z_mm: Floats) -> tuple[Floats, Floats]:
    """Half widths (x, y) of the muscles' outer surface at a height."""
    waist = np.exp(-(((z_mm + 62.0) / 48.0) ** 2))
    hips = 1.0 / (1.0 + np.exp((z_mm + 165.0) / 22.0))
    shoulders = 1.0 / (1.0 + np.exp(-(z_mm - 95.0) / 25.0))
    half_x = 136.0 * (1.0 - 0.07 * waist) + 14.0 * hips + 2.0 * shoulders
    half_y = 100.0 * (1.0 - 0.05 * waist) + 3.0 * hips
    return half_x, half_y


def _wall(block: Block) -> Floats:
    half_x, half_y = outline(block.z)
    y = block.y + 3.0
    bulge = np.where(y > 0, np.float32(2.2), np.float32(2.7))
    f = ((np.abs(block.x) / half_x) ** bulge + (np.abs(y) / half_y) ** bulge) ** (1.0 / bulge)
    distance = np.hypot(block.x, y) * (1.0 - 1.0 / np.maximum(f, 1e-3))
    furrow = 5.0 * np.exp(-((block.x / 12.0) ** 2)) * (y < 0)
    return (distance + furrow).astype(np.float32)


def _fat_share(block: Block) -> Floats:
    hips = 1.0 / (1.0 + np.exp((block.z + 110.0) / 25.0))
    back = np.clip(-block.y / 100.0, 0.0, 1.0)
    front = np.clip(block.y / 100.0, 0.0, 1.0) * np.exp(-(((block.z + 90.0) / 70.0) ** 2))
    return (0.62 + 0.3 * hips + 0.25 * back + 0.45 * front).astype(np.float32)


def _diaphragm(block: Block, height: float) -> Floats:
    """Distance below the diaphragm: negative in the chest. Two domes and a central tendon."""
    right = _dome(block, (66.0, 8.0, 94.0 * height), (76.0, 84.0))
    left = _dome(block, (-68.0, 6.0, 84.0 * height), (72.0, 82.0))
    tendon = _dome(block, (-10.0, 35.0, 78.0 * height), (70.0, 90.0))
    surface = np.maximum(np.maximum(right, left), tendon)
    return (0.75 * (surface - block.z)).astype(np.float32)


def _dome(block: Block, top: tuple[float, float, float], radii: tuple[float, float]) -> Floats:
    q = np.hypot((block.x - top[0]) / radii[0], (block.y - top[1]) / radii[1])
    return (top[2] - 78.0 * np.minimum(q, 1.6) ** 2.6).astype(np.float32)


def _pelvis(block: Block) -> Floats:
    """Distance to the inner bowl of the pelvis, far inside above it."""
    half_x, half_y = pelvis_outline(block.z)
    f = np.hypot(block.x / half_x, (block.y - 12.0) / half_y)
    return (np.hypot(block.x, block.y - 12.0) * (1.0 - 1.0 / np.maximum(f, 1e-3))).astype(
        np.float32
    )


def pelvis_outline(z_mm: Floats) -> tuple[Floats, Floats]:
    """Half widths (x, y) of the bony pelvis at a height; above its crest it opens wide."""
    up = np.clip((z_mm + 245.0) / 130.0, 0.0, 1.0) ** 0.8
    above = 4.0 * np.maximum(z_mm + 118.0, 0.0)
    return 66.0 + 46.0 * up + above, 88.0 + 14.0 * up + above


def _paint_rectus(canvas: Canvas, inner: Floats) -> None:
    """The straight muscles beside the midline, in front."""
    muscle = canvas.patient.hu("muscle")
    for side in (-1.0, 1.0):
        shape = ellipsoid((side * 34.0, 88.0, -110.0), (30.0, 11.0, 190.0))
        canvas.paint(shape, muscle, within=inner - 9.0)


def _paint_chest(canvas: Canvas, thorax: Floats) -> None:
    patient = canvas.patient
    canvas.cover(WHOLE, thorax, patient.hu("fat"))
    center = patient.moved("heart", (-22.0, 34.0, 121.0))
    heart = ellipsoid(center, patient.sized("heart", (56.0, 40.0, 40.0)), turn_z_deg=-25.0)
    above = np.where(thorax > 12.0, thorax - 6.0, -1.0).astype(np.float32)  # noqa: PLR2004
    canvas.paint(heart, [(0.0, 45.0), (4.0, patient.hu("muscle") + 40.0)], "heart", within=above)
    for side, offset in ((-1.0, 10.0), (1.0, 0.0)):
        chamber = ellipsoid(
            (center[0] + side * 20.0, center[1] + offset, center[2] + 4.0), (19.0, 22.0, 26.0)
        )
        canvas.paint(chamber, patient.hu("heart"), within=above)
    for name, side in (("lung_left", -1.0), ("lung_right", 1.0)):
        half = Shape(*EVERYWHERE, lambda block, side=side: _lung_side(block, side))
        lung = cut(half, heart, gap_mm=3.0)
        canvas.paint(lung, -840.0, name, within=thorax)
    _paint_lung_vessels(canvas)


def _lung_side(block: Block, side: float) -> Floats:
    """Beside the mediastinum and the spine."""
    middle = 14.0 + 18.0 * np.exp(-(((block.y + 45.0) / 25.0) ** 2))
    return (middle - side * block.x).astype(np.float32)


def _paint_lung_vessels(canvas: Canvas) -> None:
    """Twigs that fan out from the hilum to the base; in the image only."""
    rng = canvas.patient.rng("lung vessels")
    left, right = canvas.taxonomy["lung_left"].id, canvas.taxonomy["lung_right"].id
    anatomy = canvas.labels[Layer.ANATOMY]
    for side, lung in ((-1.0, left), (1.0, right)):
        outside = np.where(anatomy == lung, np.float32(-99.0), np.float32(99.0))
        for _ in range(16):
            tip = (side * rng.uniform(35, 115), rng.uniform(-80, 55), rng.uniform(0, 90))
            canvas.paint(_twig((side * 35.0, -15.0, 140.0), tip), 20.0, within=outside)


def _twig(root: Point, tip: Point) -> Shape:
    middle = as_point(0.5 * (np.asarray(root) + np.asarray(tip)) + 6.0)
    return Tube.through([root, middle, tip], [3.2, 2.2, 1.0], steps=2).shape
