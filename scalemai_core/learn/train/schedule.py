"""The learning rate, a function of the step alone."""

from __future__ import annotations

import math

LAST_RATE = 0.01
"""Share of the learning rate at the last step."""


def rate_share(step: int, steps: int, warmup: float) -> float:
    """Share of the learning rate at a step: linear rise, then a cosine down to 1 %."""
    rise = max(1, round(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    progress = (step - rise) / max(1, steps - rise)
    return LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2
