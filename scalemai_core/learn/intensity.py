"""Hounsfield units to what the network sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def windowed(image_zyx: NDArray[np.float32], window_hu: tuple[float, float]) -> NDArray[np.float32]:
    """Map a Hounsfield window to [0, 1], values outside it to its ends, in place (section 13.1)."""
    low, high = window_hu
    image_zyx -= np.float32(low)
    image_zyx /= np.float32(high - low)
    return np.clip(image_zyx, np.float32(0), np.float32(1), out=image_zyx)
