"""Who a phantom patient is: everything drawn once, before anything is painted."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.scan import Sex
from scalemai_core.synthesize.shapes import Point

Phase = Literal["none", "arterial", "venous"]
PHASES: tuple[Phase, ...] = ("none", "arterial", "venous")

HU_BY_PHASE: dict[str, tuple[float, float, float]] = {
    "adrenal": (32, 62, 70),
    "aorta": (45, 310, 150),
    "bladder": (4, 5, 6),
    "bowel_wall": (38, 72, 80),
    "fat": (-100, -100, -98),
    "gallbladder": (10, 10, 12),
    "heart": (42, 230, 140),
    "kidney_cortex": (33, 185, 190),
    "kidney_medulla": (31, 80, 160),
    "liver": (57, 72, 110),
    "muscle": (52, 58, 64),
    "pancreas": (42, 105, 98),
    "pancreatic_pdac": (38, 52, 58),
    "portal": (42, 85, 172),
    "postcava": (40, 75, 138),
    "spleen": (48, 112, 122),
}
"""Typical HU without contrast, in the late arterial and in the portal-venous phase."""


@dataclass(frozen=True, slots=True)
class Patient:
    """Size, fatness, sex, phase and the seeds of all smaller variations of one patient."""

    seed: int
    index: int
    sex: Sex
    age_years: float
    phase: Phase
    scale_xyz: Point
    """Size against the template, along each axis."""
    fat_mm: float
    """Thickness of the fat below the skin."""
    shift_mm_xyz: Point
    """Where the patient lies in the field of view."""
    origin_mm_xyz: Point
    """Where the scanner's own zero lies."""
    noise_hu: float
    waves: NDArray[np.float32]
    """(3, n, 5): per displaced axis, waves of (kx, ky, kz in rad/mm, phase, amplitude in mm)."""

    def rng(self, name: str) -> np.random.Generator:
        """A stream of its own for each part, so that no part depends on the order of painting."""
        key = zlib.crc32(name.encode())
        return np.random.Generator(
            np.random.Philox(np.random.SeedSequence([self.seed, self.index, key]))
        )

    def moved(self, name: str, point: Point, spread_mm: float = 3.0) -> Point:
        """The point, moved by this patient's own offset of a part."""
        x, y, z = (
            np.asarray(point)
            + self.rng(name).normal(0.0, spread_mm, 3).clip(-2 * spread_mm, 2 * spread_mm)
        ).tolist()
        return (x, y, z)

    def sized(self, name: str, values: Point, spread: float = 0.06) -> Point:
        """Radii scaled together by this patient's own factor of a part."""
        factor = self.factor(name, spread)
        return (values[0] * factor, values[1] * factor, values[2] * factor)

    def factor(self, name: str, spread: float = 0.06) -> float:
        """This patient's own factor of a part, near 1."""
        return float(
            np.exp(self.rng(name + " size").normal(0.0, spread)).clip(
                1 - 2.5 * spread, 1 + 2.5 * spread
            )
        )

    def hu(self, tissue: str) -> float:
        """This patient's mean HU of a tissue in the scan's phase."""
        mean = HU_BY_PHASE[tissue][PHASES.index(self.phase)]
        return mean + float(self.rng("hu " + tissue).normal(0.0, 2.0 + 0.03 * abs(mean)))


def draw_patient(seed: int, index: int, deformation_mm: float) -> Patient:
    """Draw everything about one patient from its own stream."""
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, index])))
    sex = Sex.FEMALE if rng.random() < 0.5 else Sex.MALE  # noqa: PLR2004 - even odds
    height = rng.normal(1.0 if sex is Sex.MALE else 0.96, 0.025)
    return Patient(
        seed=seed,
        index=index,
        sex=sex,
        age_years=float(np.round(rng.uniform(22, 86))),
        phase=PHASES[int(rng.choice(3, p=[0.15, 0.25, 0.6]))],
        scale_xyz=(
            float(np.clip(height * rng.normal(0.99, 0.02), 0.9, 1.06)),
            float(np.clip(height * rng.normal(0.97, 0.025), 0.88, 1.04)),
            float(np.clip(height, 0.9, 1.05)),
        ),
        fat_mm=float(rng.triangular(6.0, 14.0, 27.0)),
        shift_mm_xyz=(
            float(rng.uniform(-4, 4)),
            float(rng.uniform(-3, 1)),
            float(rng.uniform(-5, 5)),
        ),
        origin_mm_xyz=(
            float(rng.integers(-20, 21)),
            float(rng.integers(-20, 21)),
            float(rng.integers(-900, -199)),
        ),
        noise_hu=float(rng.uniform(8, 15)),
        waves=_draw_waves(rng, deformation_mm),
    )


def _draw_waves(rng: np.random.Generator, deformation_mm: float) -> NDArray[np.float32]:
    num_waves = 4
    directions = rng.normal(size=(3, num_waves, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    numbers = 2 * np.pi / rng.uniform(130.0, 320.0, size=(3, num_waves, 1))
    phases = rng.uniform(0.0, 2 * np.pi, size=(3, num_waves, 1))
    amplitudes = np.full((3, num_waves, 1), deformation_mm / num_waves)
    return np.concatenate([directions * numbers, phases, amplitudes], axis=-1).astype(np.float32)
