"""Hounsfield units to what the network sees."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def windowed(image_zyx: NDArray[Any], window_hu: tuple[float, float]) -> NDArray[np.float32]:
    """Map a Hounsfield window to [0, 1], values outside it to its ends (section 13.1)."""
    low, high = window_hu
    scaled = (image_zyx.astype(np.float32) - np.float32(low)) / np.float32(high - low)
    return np.clip(scaled, 0.0, 1.0, out=scaled)
