"""Lesions of a phantom: they lie in the lesion layer over an organ that keeps its own label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.label_map import Layer
from scalemai_core.synthesize.canvas import Canvas
from scalemai_core.synthesize.shapes import Point, Shape, Tube, as_point, ellipsoid

Attenuation = Literal["fluid", "hypodense", "hyperdense", "solid"]
"""Against its host; solid is wall-like, in a lumen."""

LESION_NUMBERS: Mapping[str, float] = MappingProxyType(
    {
        "pancreatic_pdac": 0.2,
        "pancreatic_cyst": 0.12,
        "pancreatic_pnet": 0.05,
        "liver_lesion": 0.4,
        "kidney_tumor": 0.08,
        "kidney_cyst": 0.3,
        "colon_lesion": 0.08,
    }
)
"""How many of each a patient has on average."""

ATTENUATIONS: Mapping[str, tuple[Attenuation, ...]] = MappingProxyType(
    {
        "pancreatic_pdac": ("hypodense",),
        "pancreatic_cyst": ("fluid",),
        "pancreatic_pnet": ("hyperdense",),
        "liver_lesion": ("fluid", "hypodense", "hyperdense"),
        "kidney_tumor": ("hypodense",),
        "kidney_cyst": ("fluid",),
        "colon_lesion": ("solid",),
    }
)
"""What each may look like, equally often."""

TISSUES = {
    "pancreas": "pancreas",
    "liver": "liver",
    "kidney": "kidney_cortex",
    "colon": "bowel_wall",
}
"""The tissue that the lesions of an organ differ from."""

BOXES: dict[str, tuple[Point, Point]] = {
    "liver": ((-60.0, -75.0, -50.0), (125.0, 85.0, 105.0)),
    "kidney_left": ((-94.0, -72.0, -56.0), (-36.0, -14.0, 52.0)),
    "kidney_right": ((36.0, -72.0, -70.0), (94.0, -14.0, 38.0)),
}
"""Where organs that are no tubes may lie, template mm."""

LEAST_CONTRAST_HU = 20.0
GAP_MM = 4.0
"""Least distance between the surfaces of two lesions."""
MAX_TRIES = 200


@dataclass(frozen=True, slots=True)
class PaintedLesion:
    """One lesion of a phantom, as it is; at least a voxel of it is in the scan."""

    structure: str
    organ: str
    """Its host: ``liver``, ``pancreas``, ``kidney_left``, ``colon``."""
    place: str
    """The structure at its centre: ``pancreas_tail``."""
    attenuation: Attenuation
    diameter_mm: float
    """Mean of its axes; less where its host's surface cuts it."""


@dataclass(frozen=True, slots=True)
class LesionPlan:
    """Which lesions a patient may have."""

    numbers: Mapping[str, float]
    """Mean of each structure's Poisson number."""
    diameter_mm: tuple[float, float]
    """Range; every octave of it is equally frequent."""
    healthy_share: float
    """Share of patients who have none."""


def paint_lesions(
    canvas: Canvas, plan: LesionPlan, tubes: Mapping[str, Tube]
) -> tuple[PaintedLesion, ...]:
    """Draw which lesions the patient has and paint those in the field of view.

    ``tubes`` are the hosts that are tubes. Lesions neither touch nor overlap; one for which there
    is no place is left out. What is drawn does not depend on the grid, but for centres at the
    surface of a host.
    """
    rng = canvas.patient.rng("lesions")
    healthy = rng.random() < plan.healthy_share
    numbers = {name: int(rng.poisson(mean)) for name, mean in plan.numbers.items()}
    if healthy:
        return ()
    painter = _Painter(canvas, plan, tubes)
    painted = (
        painter.paint(name, number) for name, count in numbers.items() for number in range(count)
    )
    return tuple(lesion for lesion in painted if lesion is not None)


class _Painter:
    """Places lesions one after the other, and remembers where."""

    def __init__(self, canvas: Canvas, plan: LesionPlan, tubes: Mapping[str, Tube]) -> None:
        self._canvas = canvas
        self._plan = plan
        self._tubes = tubes
        self._taken: list[tuple[NDArray[np.float64], float]] = []

    def paint(self, name: str, number: int) -> PaintedLesion | None:
        """None if it lies outside of the field of view or found no place."""
        taxonomy, patient = self._canvas.taxonomy, self._canvas.patient
        rng = patient.rng(f"{name} {number}")
        radius_mm = 0.5 * float(np.exp(rng.uniform(*np.log(self._plan.diameter_mm))))
        axes = np.exp(rng.uniform(-0.15, 0.15, 3))
        radii_mm = as_point(radius_mm * axes / axes.mean())
        turn, tilt = (float(angle) for angle in rng.uniform(-90.0, 90.0, 2))
        looks = ATTENUATIONS[name]
        attenuation = looks[int(rng.integers(len(looks)))]
        organ = str(rng.choice([host for host in taxonomy[name].inside if host != "rectum"]))
        hu = _lesion_hu(attenuation, patient.hu(TISSUES[organ.split("_")[0]]), rng)
        center = self._place(organ, radius_mm, rng)
        if center is None or (voxel := _voxel(self._canvas, center)) is None:
            return None
        shape = ellipsoid(center, radii_mm, turn, tilt)
        left_share = self._lay(name, organ, shape, hu)
        # However small it is, the voxel at its centre is a lesion's.
        self._canvas.labels[Layer.LESIONS][voxel] = taxonomy[name].id
        place = taxonomy.by_id(int(self._canvas.labels[Layer.ANATOMY][voxel])).name
        diameter_mm = 2 * radius_mm * float(np.cbrt(left_share))
        return PaintedLesion(name, organ, place, attenuation, diameter_mm)

    def _lay(self, name: str, organ: str, shape: Shape, hu: float) -> float:
        """Lay tissue where the host is; returns the share of its voxels that lie there."""
        canvas = self._canvas
        window = canvas.block.window(shape.lower, shape.upper)
        bumpy_mm = np.float32(min(1.0, 0.06 * (shape.upper[0] - shape.lower[0])))
        whole = shape.distance(canvas.block.crop(window)) + bumpy_mm * canvas.bumps[window]
        host = np.isin(canvas.labels[Layer.ANATOMY][window], canvas.taxonomy.member_ids(organ))
        left = np.where(host, whole, np.float32(canvas.soft_mm))
        canvas.cover(window, left, hu)
        canvas.mark(window, left < 0, name)
        return max(1, np.count_nonzero(left < 0)) / max(1, np.count_nonzero(whole < 0))

    def _place(self, organ: str, radius_mm: float, rng: np.random.Generator) -> Point | None:
        """A centre in the organ or outside of the field of view, away from other lesions."""
        canvas = self._canvas
        ids = canvas.taxonomy.member_ids(organ)
        for _ in range(MAX_TRIES):
            point = self._anywhere(organ, rng)
            if any(
                np.linalg.norm(point - other) < radius_mm + other_mm + GAP_MM
                for other, other_mm in self._taken
            ):
                continue
            center = as_point(point)
            voxel = _voxel(canvas, center)
            if voxel is None or canvas.labels[Layer.ANATOMY][voxel] in ids:
                self._taken.append((point, 1.2 * radius_mm))
                return center
        return None

    def _anywhere(self, organ: str, rng: np.random.Generator) -> NDArray[np.float64]:
        """A point in or near an organ."""
        if organ in BOXES:
            return rng.uniform(*BOXES[organ])
        tube = self._tubes[organ]
        index = int(rng.integers(2, len(tube.points) - 2))
        direction = rng.normal(size=3)
        away = rng.uniform(0.0, 0.8) * tube.radii[index] / np.linalg.norm(direction)
        return tube.points[index] + away * direction


def _lesion_hu(attenuation: Attenuation, host_hu: float, rng: np.random.Generator) -> float:
    share, fluid = float(rng.uniform(0.3, 0.45)), float(rng.uniform(0.0, 16.0))
    contrast = max(LEAST_CONTRAST_HU, share * host_hu)
    return {
        "fluid": fluid,
        "hypodense": host_hu - contrast,
        "hyperdense": host_hu + contrast,
        "solid": host_hu + fluid,
    }[attenuation]


def _voxel(canvas: Canvas, center: Point) -> tuple[int, int, int] | None:
    """Index of the voxel that holds a point; None outside of the grid."""
    window = canvas.block.window(center, center)
    block = canvas.block.crop(window)
    if not block.x.size:
        return None
    square = (block.x - center[0]) ** 2 + (block.y - center[1]) ** 2 + (block.z - center[2]) ** 2
    z, y, x = np.unravel_index(int(square.argmin()), square.shape)
    if square[z, y, x] > canvas.soft_mm**2:
        return None
    return (int(z) + window[0].start, int(y) + window[1].start, int(x) + window[2].start)
