"""Axes: round numbers to enclose values, and where on the axis a value lies."""

from __future__ import annotations

import math
from collections.abc import Sequence

_STEPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_MAX_TICKS = 6
_ROUNDING = 1e-9


def round_ticks(values: Sequence[float]) -> list[float]:
    """Round numbers that enclose shares, Dice or differences of them; none is above 1."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    step = next(step for step in _STEPS if high - low <= (_MAX_TICKS - 2) * step)
    first = math.floor(low / step + _ROUNDING)
    last = min(max(math.ceil(high / step - _ROUNDING), first + 2), round(1 / step))
    return [round(index * step, 3) for index in range(min(first, last - 2), last + 1)]


def along(value: float, ticks: Sequence[float]) -> float:
    """The share of an axis that lies before a value."""
    return (value - ticks[0]) / (ticks[-1] - ticks[0])
