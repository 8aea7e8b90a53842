"""Random variation of training patches: drawn first, then applied."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_GAIN = 0.15
MAX_OFFSET = 0.08
MAX_NOISE = 0.05
"""Standard deviation; like gain and offset in units of the intensity window."""
MAX_SCALE = 0.12


@dataclass(frozen=True, slots=True)
class Variation:
    """One draw. There is no flip: it would swap left and right structures."""

    gain: float = 1.0
    offset: float = 0.0
    noise: float = 0.0
    noise_seed: int = 0
    scale_zyx: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """How much larger the patient appears."""
    place_zyx: tuple[float, float, float] = (0.5, 0.5, 0.5)
    """Where a scan smaller than the patch lies in the room left: 0 at its start, 1 at its end."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Variation:
        """Anything within the limits."""
        scale = 1.0 + rng.uniform(-MAX_SCALE, MAX_SCALE) + rng.uniform(-0.04, 0.04, size=3)
        place = rng.uniform(size=3)
        return cls(
            gain=float(1.0 + rng.uniform(-MAX_GAIN, MAX_GAIN)),
            offset=float(rng.uniform(-MAX_OFFSET, MAX_OFFSET)),
            noise=float(rng.uniform(0.0, MAX_NOISE)),
            noise_seed=int(rng.integers(2**31)),
            scale_zyx=(float(scale[0]), float(scale[1]), float(scale[2])),
            place_zyx=(float(place[0]), float(place[1]), float(place[2])),
        )

    def intensities(self, image_zyx: NDArray[np.float32]) -> NDArray[np.float32]:
        """Gain and offset, then noise, on values in [0, 1]."""
        if (self.gain, self.offset, self.noise) == (1.0, 0.0, 0.0):
            return image_zyx
        varied = image_zyx * np.float32(self.gain)
        varied += np.float32(self.offset)
        rng = np.random.default_rng(self.noise_seed)
        varied += rng.standard_normal(varied.shape, dtype=np.float32) * np.float32(self.noise)
        return np.clip(varied, 0.0, 1.0, out=varied)
