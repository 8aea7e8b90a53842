"""Random variation of training patches: drawn first, then applied."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scalemai_core.settings.learning import TrainSettings

MAX_GAIN = 0.15
MAX_OFFSET = 0.08
MAX_NOISE = 0.05
"""Standard deviation; like gain and offset in units of the intensity window."""
NOISE_VALUES = 1 << 19
"""Places in the series of normal numbers at which the noise of a plane may start."""
MAX_SCALE = 0.12
MIRRORED = 0.5
"""Share of patches that are mirrored, where that is wanted at all."""


@dataclass(frozen=True, slots=True)
class Variation:
    """One draw of what a patch is varied by."""

    gain: float = 1.0
    offset: float = 0.0
    noise: float = 0.0
    noise_seed: int = 0
    scale_zyx: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """How much larger the patient appears."""
    place_zyx: tuple[float, float, float] = (0.5, 0.5, 0.5)
    """Where a scan smaller than the patch lies in the room left: 0 at its start, 1 at its end."""
    mirror: bool = False
    """Left becomes right, structures' names included."""

    @classmethod
    def draw(cls, rng: np.random.Generator, settings: TrainSettings) -> Variation:
        """Anything within the limits."""
        mirror = bool(rng.uniform() < MIRRORED) and settings.mirror
        if not settings.augment:
            return cls(mirror=mirror)
        scale = 1.0 + rng.uniform(-MAX_SCALE, MAX_SCALE) + rng.uniform(-0.04, 0.04, size=3)
        place = rng.uniform(size=3)
        return cls(
            gain=float(1.0 + rng.uniform(-MAX_GAIN, MAX_GAIN)),
            offset=float(rng.uniform(-MAX_OFFSET, MAX_OFFSET)),
            noise=float(rng.uniform(0.0, MAX_NOISE)),
            noise_seed=int(rng.integers(2**31)),
            scale_zyx=(float(scale[0]), float(scale[1]), float(scale[2])),
            place_zyx=(float(place[0]), float(place[1]), float(place[2])),
            mirror=mirror,
        )

    def intensities(self, image_zyx: NDArray[np.float32]) -> NDArray[np.float32]:
        """Gain and offset, then noise, on values in [0, 1], in place."""
        if (self.gain, self.offset, self.noise) == (1.0, 0.0, 0.0):
            return image_zyx
        image_zyx *= np.float32(self.gain)
        image_zyx += np.float32(self.offset)
        self._add_noise(image_zyx)
        return np.clip(image_zyx, np.float32(0), np.float32(1), out=image_zyx)

    def _add_noise(self, image_zyx: NDArray[np.float32]) -> None:
        """Each plane's noise is a stretch of the series, from anywhere in it."""
        size = image_zyx[0].size
        series = _normal_series(NOISE_VALUES + size) * np.float32(self.noise)
        starts = np.random.default_rng(self.noise_seed).integers(NOISE_VALUES, size=len(image_zyx))
        for plane_yx, start in zip(image_zyx, starts, strict=True):
            plane_yx += series[start : start + size].reshape(plane_yx.shape)


@lru_cache(maxsize=1)
def _normal_series(length: int) -> NDArray[np.float32]:
    """Normal numbers, drawn once: a patch of its own took half of all the patch's time."""
    return np.random.default_rng(0).standard_normal(length, dtype=np.float32)
