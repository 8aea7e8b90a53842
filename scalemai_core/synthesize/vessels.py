"""Vessels of a phantom, painted after the organs that they run between."""

from __future__ import annotations

from scalemai_core.synthesize.canvas import Canvas
from scalemai_core.synthesize.shapes import Point, Tube

Course = tuple[list[Point], list[float]]

VEINS: dict[str, list[Course]] = {
    "renal_vein_left": [
        ([(-46, -34, 6), (-28, -20, 2), (-8, -4, -8), (16, -14, -8)], [4, 5, 4.5, 5])
    ],
    "renal_vein_right": [([(44, -34, -6), (24, -22, -2)], [4.5, 5.5])],
    "iliac_vena_left": [
        ([(14, -25, -102), (-18, -32, -132), (-46, -14, -178), (-54, 22, -240)], [9, 8, 7, 7])
    ],
    "iliac_vena_right": [
        ([(18, -25, -102), (28, -30, -134), (46, -14, -178), (54, 22, -240)], [9, 8, 7, 7])
    ],
    "postcava": [
        (
            [
                (17, -25, -104),
                (20, -22, -70),
                (21, -20, -20),
                (23, -18, 25),
                (22, -10, 60),
                (18, 4, 92),
            ],
            [10, 11, 11.5, 12, 13, 13],
        )
    ],
}
PORTAL: dict[str, list[Course]] = {
    "veins": [([(12, 11, -2), (10, 14, -30), (8, 20, -62), (4, 28, -88)], [6.5, 6, 5.5, 4])],
    "portal_vein_and_splenic_vein": [
        (
            [(12, 11, -3), (19, 9, 14), (32, 4, 36), (52, -2, 42), (74, -10, 50)],
            [7, 7.5, 7, 5.5, 3.5],
        ),
        ([(30, 4, 34), (16, 24, 50), (-6, 40, 58)], [5.5, 4.5, 3]),
        (
            [(12, 11, -2), (-16, 11, 6), (-42, -3, 18), (-64, -18, 28), (-78, -28, 36)],
            [6, 5, 4.5, 4.5, 4],
        ),
    ],
    "hepatic_vessel": [
        ([(20, -2, 82), (48, -8, 70), (84, -16, 46)], [5, 4, 2.5]),
        ([(20, -2, 82), (34, 26, 62), (48, 44, 34)], [4.5, 3.5, 2]),
        ([(17, 0, 84), (-2, 28, 70), (-22, 44, 58)], [4.5, 3.5, 2]),
    ],
}
ARTERIES: dict[str, list[Course]] = {
    "celiac_artery": [([(-8, -14, 22), (-6, 0, 25), (-4, 8, 24)], [5, 4.5, 4.5])],
    "superior_mesenteric_artery": [
        (
            [(-8, -12, 6), (-6, 0, 1), (-5, 10, -14), (-4, 15, -40), (-6, 22, -80)],
            [4.5, 4.5, 4.2, 4, 3.5],
        )
    ],
    "iliac_artery_left": [
        ([(-6, -19, -90), (-22, -20, -126), (-48, -2, -180), (-60, 34, -245)], [6.5, 6, 5, 5])
    ],
    "iliac_artery_right": [
        ([(-4, -19, -90), (20, -20, -126), (48, -2, -180), (60, 34, -245)], [6.5, 6, 5, 5])
    ],
    "aorta": [
        (
            [
                (-20, -36, 160),
                (-15, -32, 100),
                (-9, -21, 40),
                (-8, -18, 0),
                (-7, -18, -50),
                (-5, -20, -94),
            ],
            [12.5, 12, 10.5, 9.5, 8.5, 8],
        )
    ],
}
UNLABELLED: list[Course] = [
    ([(-4, 8, 24), (-30, 8, 26), (-60, -8, 34), (-78, -24, 42)], [3, 2.6, 2.4, 2]),
    ([(-4, 8, 24), (16, 18, 24), (30, 12, 36)], [3, 2.6, 2.2]),
    ([(-10, -18, 0), (-30, -30, 4), (-46, -38, 8)], [3, 2.8, 2.5]),
    ([(-6, -18, -2), (22, -34, -4), (44, -38, -8)], [3, 2.8, 2.5]),
]
"""Splenic, hepatic and renal arteries: in the image only."""


def paint_vessels(canvas: Canvas) -> None:
    """Veins, portal system, arteries; branches before the trunk that they run into."""
    patient = canvas.patient
    width = patient.factor("vessels", 0.06)
    blood = {
        "veins": patient.hu("postcava"),
        "portal": patient.hu("portal"),
        "aorta": patient.hu("aorta"),
    }
    for tissue, courses in (("veins", VEINS), ("portal", PORTAL), ("aorta", ARTERIES)):
        for name, tubes in courses.items():
            for points, radii in tubes:
                tube = Tube.through(points, [r * width for r in radii])
                canvas.paint(tube.shape, blood[tissue], name)
    for points, radii in UNLABELLED:
        canvas.paint(Tube.through(points, radii).shape, blood["aorta"], keep=True)
