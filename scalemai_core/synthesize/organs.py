"""Solid organs of a phantom: liver, gallbladder, spleen, kidneys, adrenals, pancreas, bladder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scalemai_core.synthesize.canvas import Canvas
from scalemai_core.synthesize.shapes import (
    Block,
    Floats,
    Point,
    Tube,
    blend,
    clip,
    cut,
    ellipsoid,
    inset,
)
from scalemai_core.synthesize.torso import Torso

PANCREAS_PARTS: tuple[tuple[str, float, float], ...] = (
    ("pancreas_head", -0.01, 0.5),
    ("pancreas_body", 0.5, 0.76),
    ("pancreas_tail", 0.76, 1.01),
)
"""Shares of the centre line from the head's lower end to the tail's tip."""


def paint_liver(canvas: Canvas, torso: Torso) -> None:
    """The liver below the diaphragm, cut by its visceral face, and the spleen."""
    patient = canvas.patient
    right = ellipsoid(
        patient.moved("liver", (72.0, 4.0, 30.0)), patient.sized("liver", (76.0, 96.0, 94.0), 0.05)
    )
    left = ellipsoid(
        patient.moved("liver left", (0.0, 44.0, 56.0), 4.0),
        patient.sized("liver left", (72.0, 42.0, 32.0), 0.08),
    )
    drop = 10.0 * (patient.factor("liver face", 0.5) - 1.0)

    def face(block: Block) -> Floats:
        edge = -58.0 - drop + 0.72 * (104.0 - block.x) - 0.22 * block.y
        return (0.78 * (edge - block.z)).astype(np.float32)

    spine_side = ellipsoid((0.0, -52.0, 40.0), (34.0, 44.0, 200.0))
    kidney_side = ellipsoid((56.0, -62.0, -20.0), (46.0, 46.0, 78.0))
    bowel_side = ellipsoid((36.0, 14.0, -14.0), (28.0, 28.0, 30.0))
    liver = clip(blend(right, left, 18.0), face)
    for fossa in (spine_side, kidney_side, bowel_side):
        liver = cut(liver, fossa)
    canvas.paint(liver, patient.hu("liver"), "liver", rough_mm=1.2, within=torso.belly)
    spleen = cut(
        ellipsoid(
            patient.moved("spleen", (-94.0, -40.0, 46.0)),
            patient.sized("spleen", (36.0, 54.0, 58.0), 0.09),
            turn_z_deg=-28.0,
            tilt_y_deg=8.0,
        ),
        ellipsoid((-52.0, -26.0, 10.0), (32.0, 36.0, 50.0)),
    )
    canvas.paint(spleen, patient.hu("spleen"), "spleen", rough_mm=1.2, within=torso.belly)


def paint_gall_bladder(canvas: Canvas, torso: Torso) -> None:
    """A pear in its bed under the liver."""
    patient = canvas.patient
    x, y, z = patient.moved("gall bladder", (0.0, 0.0, 0.0), 2.0)
    size = patient.factor("gall bladder", 0.12)
    pear = Tube.through(
        [(38 + x, 30 + y, 14 + z), (48 + x, 46 + y, -2 + z), (56 + x, 58 + y, -20 + z)],
        [4.5 * size, 10 * size, 13 * size],
    )
    canvas.paint(
        pear.shape,
        [(0.0, 45.0), (1.5, patient.hu("gallbladder"))],
        "gall_bladder",
        within=torso.belly,
    )


def paint_kidneys(canvas: Canvas) -> None:
    """Beans in fat, with cortex, pyramids and a sinus that is not part of the mask."""
    patient = canvas.patient
    cortex, medulla = patient.hu("kidney_cortex"), patient.hu("kidney_medulla")
    for side, name, place in (
        (-1.0, "kidney_left", (-62.0, -42.0, -2.0)),
        (1.0, "kidney_right", (62.0, -42.0, -16.0)),
    ):
        x, y, z = patient.moved(name, place)
        radii = patient.sized(name, (27.0, 25.0, 54.0))
        bean = ellipsoid((x, y, z), radii, turn_z_deg=side * 25.0, tilt_y_deg=-side * 12.0)
        hilum = ellipsoid((x - side * 22.0, y + 10.0, z), (19.0, 15.0, 21.0))
        bean = cut(bean, hilum)
        capsule = inset(bean, -9.0)
        canvas.paint(capsule, -102.0, keep=True)
        canvas.paint(bean, cortex, name, rough_mm=0.7)
        canvas.paint(clip(inset(bean, 6.0), _pyramids((x, y, z))), medulla)
        sinus = ellipsoid((x - side * 14.0, y + 6.0, z), (8.0, 7.0, 20.0))
        canvas.paint(clip(sinus, bean.distance), -60.0)
        pelvis = ellipsoid((x - side * 18.0, y + 8.0, z - 3.0), (9.0, 5.0, 9.0))
        canvas.paint(pelvis, 10.0)


def _pyramids(center: Point) -> Callable[[Block], Floats]:
    """Rays around the sinus: where negative, medulla between columns of cortex."""

    def limit(block: Block) -> Floats:
        around = np.arctan2(block.z - center[2], np.abs(block.x - center[0]) + 4.0)
        spin = np.arctan2(block.y - center[1], block.x - center[0])
        return (-2.5 * np.cos(9.0 * around) - 1.0 * np.cos(4.0 * spin)).astype(np.float32)

    return limit


def paint_adrenals(canvas: Canvas) -> None:
    """Thin limbs above the kidneys: an inverted Y on the left, a slanted line on the right."""
    hu = canvas.patient.hu("adrenal")
    lx, ly, lz = canvas.patient.moved("adrenal left", (-33.0, -24.0, 50.0), 2.0)
    rx, ry, rz = canvas.patient.moved("adrenal right", (29.0, -36.0, 46.0), 2.0)
    for name, limbs in (
        (
            "adrenal_gland_left",
            [
                [(lx, ly, lz + 8), (lx - 5, ly - 13, lz - 4)],
                [(lx, ly, lz - 6), (lx + 6, ly - 12, lz - 8)],
                [(lx, ly + 2, lz + 10), (lx, ly + 1, lz - 12)],
            ],
        ),
        (
            "adrenal_gland_right",
            [
                [(rx, ry, rz + 12), (rx + 6, ry - 12, rz)],
                [(rx, ry, rz + 12), (rx + 2, ry - 8, rz - 12)],
            ],
        ),
    ):
        for limb in limbs:
            tube = Tube.through(limb, [4.2, 3.6], steps=2)
            canvas.paint(tube.shape, hu, name)


def paint_pancreas(canvas: Canvas) -> Tube:
    """One lobulated tube whose parts are shares of its centre line; returns it for lesions."""
    patient = canvas.patient
    x, y, z = patient.moved("pancreas", (0.0, 0.0, 0.0), 2.0)
    tx, ty, tz = patient.moved("pancreas tail", (x, y, z), 5.0)
    thick = patient.factor("pancreas", 0.07) * float(
        np.interp(patient.age_years, [30, 85], [1.08, 0.86])
    )
    tube = Tube.through(
        [
            (18 + x, 3 + y, -44 + z),
            (31 + x, 8 + y, -32 + z),
            (34 + x, 13 + y, -16 + z),
            (22 + x, 22 + y, -3 + z),
            (2 + x, 27 + y, 5 + z),
            (-22 + 0.5 * (x + tx), 22 + 0.5 * (y + ty), 13 + 0.5 * (z + tz)),
            (-46 + tx, 2 + ty, 24 + tz),
            (-72 + tx, -18 + ty, 36 + tz),
        ],
        [r * thick for r in (8.0, 14.0, 15.5, 11.0, 9.5, 11.0, 11.0, 8.5)],
        steps=6,
    )
    window = canvas.block.window(tube.lower, tube.upper)
    distance, place = tube.trace(canvas.block.crop(window))
    distance = distance + 1.3 * canvas.bumps[window]
    canvas.cover(window, distance, patient.hu("pancreas"))
    for name, start, end in PANCREAS_PARTS:
        canvas.mark(window, (distance < 0) & (place >= start) & (place < end), name)
    return tube


def paint_bladder(canvas: Canvas, torso: Torso) -> None:
    """More or less full, with a thin wall."""
    patient = canvas.patient
    full = patient.factor("bladder", 0.16)
    bladder = ellipsoid(
        patient.moved("bladder", (0.0, 34.0, -222.0)), (36.0 * full, 28.0 * full, 25.0 * full)
    )
    tissue = [(0.0, 40.0), (2.5, patient.hu("bladder"))]
    canvas.paint(bladder, tissue, "bladder", within=torso.belly)
