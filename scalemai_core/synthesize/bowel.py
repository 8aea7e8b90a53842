"""Hollow organs of a phantom: esophagus, stomach, duodenum, small bowel, colon and rectum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scalemai_core.synthesize.canvas import Canvas
from scalemai_core.synthesize.shapes import (
    Block,
    Floats,
    Point,
    Tube,
    as_point,
    clip,
    cut,
    ellipsoid,
    inset,
)
from scalemai_core.synthesize.torso import Torso

GAS_HU = -960.0

COLON: tuple[tuple[Point, float], ...] = (
    ((78, 30, -158), 20),
    ((88, 22, -135), 25),
    ((96, 4, -100), 22),
    ((98, -8, -70), 20),
    ((92, 12, -56), 20),
    ((68, 56, -66), 18),
    ((30, 72, -84), 18),
    ((-12, 74, -80), 18),
    ((-56, 64, -52), 18),
    ((-92, 42, -16), 17),
    ((-106, 12, -10), 17),
    ((-107, -20, -38), 15),
    ((-104, -28, -78), 14),
    ((-98, -18, -115), 14),
    ((-76, 8, -152), 14),
    ((-50, 20, -172), 14),
    ((-20, 4, -180), 14),
    ((8, -22, -178), 14),
    ((6, -40, -190), 15),
)
RECTUM: tuple[tuple[Point, float], ...] = (
    ((6, -40, -190), 15),
    ((0, -52, -208), 17),
    ((0, -50, -230), 17),
    ((0, -44, -252), 14),
)


def paint_stomach(canvas: Canvas, torso: Torso) -> None:
    """The esophagus, and a stomach with fluid behind and gas in front of its level."""
    patient = canvas.patient
    wall = patient.hu("bowel_wall")
    esophagus = Tube.through(
        [(-4, -38, 165), (-6, -24, 125), (-12, -12, 98), (-26, -6, 84), (-42, -4, 74)],
        [8, 8.5, 8.5, 8, 8],
    )
    x, y, z = patient.moved("stomach", (0.0, 0.0, 0.0))
    size = patient.factor("stomach", 0.1)
    stomach = Tube.through(
        [
            (-60 + x, -10 + y, 68 + z),
            (-65 + x, 12 + y, 50 + z),
            (-65 + x, 34 + y, 24 + z),
            (-52 + x, 48 + y, -2 + z),
            (-20 + x, 54 + y, -18 + z),
            (10, 50, -8),
            (28, 36, 4),
        ],
        [27 * size, 31 * size, 28 * size, 25 * size, 22 * size, 15, 8],
    )
    canvas.paint(esophagus.shape, [(0.0, wall - 15), (5.0, wall - 45)], "esophagus")
    content = float(patient.rng("meal").choice([8.0, 20.0, 60.0, 180.0], p=[0.35, 0.35, 0.2, 0.1]))
    bed = ellipsoid((-55.0, -40.0, 8.0), (44.0, 48.0, 52.0))
    shape = cut(stomach.shape, bed)
    canvas.paint(shape, [(0.0, wall), (3.5, content)], "stomach", rough_mm=1.5, within=torso.belly)
    level = float(patient.rng("stomach gas").uniform(44.0, 62.0))
    gas = clip(inset(shape, 5.5), lambda block: level - block.y)
    canvas.paint(gas, GAS_HU, within=torso.belly + 5.5)


def paint_duodenum(canvas: Canvas) -> None:
    """The C around the head of the pancreas, and its end between aorta and mesenteric artery."""
    x, y, z = canvas.patient.moved("duodenum", (0.0, 0.0, 0.0), 1.5)
    loop = Tube.through(
        [
            (28, 36, 4),
            (44 + x, 28 + y, 6 + z),
            (55 + x, 12 + y, -4 + z),
            (57 + x, 4 + y, -34 + z),
            (46 + x, -1 + y, -60 + z),
            (22 + x, 2 + y, -68 + z),
            (-8, 2, -64),
            (-30, 6, -54),
            (-38, 14, -40),
        ],
        [9, 13, 13, 12.5, 12, 10, 8.5, 10.5, 10.5],
    )
    wall = canvas.patient.hu("bowel_wall")
    canvas.paint(loop.shape, [(0.0, wall), (3.5, 25.0)], "duodenum", rough_mm=1.0)
    canvas.paint(clip(inset(loop.shape, 6.0), lambda block: 34.0 - block.y), GAS_HU)


def paint_colon(canvas: Canvas, torso: Torso) -> Tube:
    """The frame with haustra, stool and gas, then the rectum; returns the frame for lesions."""
    patient = canvas.patient
    shift = {
        name: patient.moved(f"colon {name}", (0.0, 0.0, 0.0), 4.0)
        for name in ("transverse", "sigmoid")
    }
    points: list[Point] = []
    for place, _ in COLON:
        part = "sigmoid" if place[2] < -140.0 else "transverse"  # noqa: PLR2004 - pelvic brim
        offset = shift[part] if abs(place[0]) < 80.0 else (0.0, 0.0, 0.0)  # noqa: PLR2004
        points.append((place[0] + offset[0], place[1] + offset[1], place[2] + offset[2]))
    points[-1] = COLON[-1][0]
    wide = patient.factor("colon", 0.1)
    colon = Tube.through(points, [radius * wide for _, radius in COLON])
    window = canvas.block.window(colon.lower, colon.upper)
    block = canvas.block.crop(window)
    distance, place = colon.trace(block)
    length = float(np.linalg.norm(np.diff(colon.points, axis=0), axis=1).sum())
    haustra = np.abs(np.sin(np.pi * place * length / 34.0))
    distance = distance + 3.5 * (1.0 - haustra) + 0.8 * canvas.bumps[window]
    distance = np.maximum(distance, torso.belly[window])
    canvas.cover(window, distance, [(0.0, patient.hu("bowel_wall")), (2.5, 15.0)])
    _fill(canvas, window, block, distance, place)
    canvas.mark(window, distance < 0, "colon")
    rectum = Tube.through([point for point, _ in RECTUM], [radius * wide for _, radius in RECTUM])
    canvas.paint(
        rectum.shape, [(0.0, patient.hu("bowel_wall")), (4.0, 5.0)], "rectum", within=torso.belly
    )
    canvas.paint(clip(inset(rectum.shape, 5.5), lambda block: -42.0 - block.y), GAS_HU)
    return colon


def _fill(
    canvas: Canvas,
    window: tuple[slice, slice, slice],
    block: Block,
    distance: Floats,
    place: Floats,
) -> None:
    """Stool along the first half, gas in stretches in front."""
    rng = canvas.patient.rng("stool")
    crumbs = canvas.bumps[window] + 0.6 * np.sin(block.x / 2.3) * np.sin(block.y / 2.7) * np.sin(
        block.z / 3.1
    )
    full = np.sin(2 * np.pi * (place * rng.uniform(2.0, 3.5) + rng.uniform()))
    lumen = distance + 3.0
    canvas.cover(window, np.maximum(lumen, np.where(full > -0.4, -9.0, 9.0)), 10.0)  # noqa: PLR2004
    stool = np.maximum(lumen, 2.0 - 6.0 * crumbs * (full + 0.6))
    canvas.cover(window, stool.astype(np.float32), -170.0)
    airy = np.where(
        np.sin(2 * np.pi * (place * 4.0 + rng.uniform())) > rng.uniform(-0.3, 0.4), 0.0, 14.0
    )
    depth = 4.0 - (
        block.y - np.interp(place, np.linspace(0, 1, len(COLON)), [p[1] for p, _ in COLON])
    )
    canvas.cover(window, np.maximum(distance + 3.5, depth + airy).astype(np.float32), GAS_HU)


def paint_intestine(canvas: Canvas, torso: Torso) -> None:
    """Loops of small bowel packed into the middle of the belly, where nothing else is."""
    patient = canvas.patient
    rng = patient.rng("intestine")
    wall = patient.hu("bowel_wall")
    _paint_mesentery(canvas, rng)
    for z in np.arange(-56.0, -206.0, -15.0):
        half = float(np.interp(z, [-205, -120, -56], [40, 70, 66]))
        for x in np.arange(-half, half + 1.0, 33.0):
            for y in (16.0, 50.0):
                loop = _sausage(np.array([x, y, z]) + rng.normal(0.0, 5.0, 3), rng)
                content = float(rng.choice([12.0, 28.0, 45.0, -700.0], p=[0.4, 0.3, 0.25, 0.05]))
                tissue = [(0.0, wall), (3.0, content)]
                canvas.paint(
                    loop.shape, tissue, "intestine", rough_mm=1.5, within=torso.belly, keep=True
                )


def _sausage(center: NDArray[np.float64], rng: np.random.Generator) -> Tube:
    """A bent piece of bowel, lying mostly flat."""
    along = rng.normal(size=3) * (1.0, 0.7, 0.6)
    along *= rng.uniform(13.0, 24.0) / np.linalg.norm(along)
    bend = np.cross(along, rng.normal(size=3)) * 0.5 / np.linalg.norm(along)
    points = [center - along, center + bend * 8.0, center + along]
    radius = rng.uniform(9.5, 13.0)
    return Tube.through([as_point(point) for point in points], [radius, radius * 1.1, radius * 0.9])


def _paint_mesentery(canvas: Canvas, rng: np.random.Generator) -> None:
    """Vessels that fan out to the bowel; in the image only."""
    blood = canvas.patient.hu("portal")
    for _ in range(26):
        root = np.array([2.0, 19.0, rng.uniform(-75.0, -30.0)])
        tip = np.array([rng.uniform(-75, 75), rng.uniform(15, 65), rng.uniform(-190, -60)])
        middle = 0.5 * (root + tip) + rng.normal(0.0, 8.0, 3)
        twig = Tube.through([as_point(p) for p in (root, middle, tip)], [2.4, 1.8, 1.1], steps=3)
        canvas.paint(twig.shape, blood, keep=True)
