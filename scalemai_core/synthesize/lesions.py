"""Lesions of a phantom: they lie in the lesion layer over an organ that keeps its own label."""

from __future__ import annotations

import numpy as np

from scalemai_core.records.label_map import Layer
from scalemai_core.synthesize.canvas import Canvas, Tissue
from scalemai_core.synthesize.shapes import Point, Tube, ellipsoid

LESION_CHANCE: dict[str, float] = {
    "pancreatic_pdac": 0.2,
    "pancreatic_cyst": 0.12,
    "liver_lesion": 0.25,
    "kidney_cyst": 0.25,
}
"""Share of patients with at least one."""


def paint_lesions(canvas: Canvas, pancreas: Tube, share: float) -> None:
    """Draw which lesions the patient has and paint them; ``share`` scales all chances."""
    patient = canvas.patient
    rng = patient.rng("lesions")
    has = {name: rng.random() < chance * share for name, chance in LESION_CHANCE.items()}
    if has["pancreatic_pdac"]:
        place = pancreas.points[int(rng.integers(6, len(pancreas.points) - 4))]
        _paint_blob(
            canvas,
            tuple(place.tolist()),
            float(rng.uniform(6, 17)),
            patient.hu("pancreatic_pdac"),
            "pancreatic_pdac",
        )
    if has["pancreatic_cyst"]:
        place = pancreas.points[int(rng.integers(10, len(pancreas.points) - 3))] + rng.normal(
            0, 3, 3
        )
        _paint_blob(
            canvas, tuple(place.tolist()), float(rng.uniform(5, 12)), 12.0, "pancreatic_cyst"
        )
    if has["liver_lesion"]:
        for _ in range(int(rng.integers(1, 4))):
            center = (rng.uniform(45, 110), rng.uniform(-40, 45), rng.uniform(5, 62))
            hu = float(rng.choice([8.0, patient.hu("liver") - 40.0]))
            _paint_blob(canvas, center, float(rng.uniform(5, 18)), hu, "liver_lesion")
    if has["kidney_cyst"]:
        side = float(rng.choice([-1.0, 1.0]))
        center = (side * rng.uniform(72, 84), rng.uniform(-50, -30), rng.uniform(-35, 30))
        _paint_blob(canvas, center, float(rng.uniform(6, 18)), 6.0, "kidney_cyst")


def _paint_blob(canvas: Canvas, center: Point, radius_mm: float, tissue: Tissue, name: str) -> None:
    """A lump clipped to the organ it grows in, which it may push out by a third of its radius."""
    parents = [canvas.taxonomy[parent] for parent in canvas.taxonomy[name].inside]
    ids = np.concatenate([canvas.taxonomy.member_ids(parent.name) for parent in parents])
    anatomy = canvas.labels[Layer.ANATOMY]
    shape = ellipsoid(center, (radius_mm, radius_mm * 0.9, radius_mm * 0.95))
    window = canvas.block.window(shape.lower, shape.upper)
    if not anatomy[window].size:
        return
    distance = shape.distance(canvas.block.crop(window)) + 1.0 * canvas.bumps[window]
    inside = np.isin(anatomy[window], ids)
    distance = np.where(inside, distance, np.float32(canvas.soft_mm))
    canvas.cover(window, distance, tissue)
    canvas.mark(window, distance < 0, name)
