"""A number beside what is usual for its structure, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scalemai_core.page.draw.number import span

Row = Mapping[str, Any]
"""A row of a table by column."""

DEVIATIONS = 2.0
"""Robust deviations around the median that count as usual: about 19 of 20 good masks."""


@dataclass(frozen=True, slots=True)
class Usual:
    """From where to where a number usually lies in the population of a round."""

    low: float
    high: float
    unit: str

    def __str__(self) -> str:
        return span(self.low, self.high, self.unit)

    def arrow(self, value: float | None) -> str:
        """Down or up where a number lies outside, else nothing."""
        if value is None or self.low <= value <= self.high:
            return ""
        return "\u2193" if value < self.low else "\u2191"

    def compared(self, value: float | None) -> str:
        """``usual``, ``less than usual`` or ``more than usual``."""
        if value is None or self.low <= value <= self.high:
            return "usual"
        return "less than usual" if value < self.low else "more than usual"


def usual_dice(usual: Row | None) -> Usual | None:
    """Agreement of annotation and prediction."""
    found = _around(usual, "dice", "")
    return None if found is None else Usual(max(found.low, 0.0), min(found.high, 1.0), "")


def usual_volume(usual: Row | None) -> Usual | None:
    """Volume in ml of masks that no scan cuts."""
    found = _around(usual, "log_volume", "ml")
    return None if found is None else Usual(math.exp(found.low), math.exp(found.high), "ml")


def usual_density(usual: Row | None) -> Usual | None:
    """Mean HU of a mask."""
    return _around(usual, "mean_hu", "HU")


def usual_height(usual: Row | None) -> Usual | None:
    """Extent from head to feet, in mm, of masks that no scan cuts."""
    found = _around(usual, "height_mm", "mm")
    return None if found is None else Usual(max(found.low, 0.0), found.high, "mm")


def _around(usual: Row | None, name: str, unit: str) -> Usual | None:
    """None where nothing is usual: too few masks, or all of them cut by their scan."""
    if usual is None:
        return None
    middle, spread = usual[f"usual_{name}"], usual[f"spread_{name}"]
    if middle is None or spread is None:
        return None
    return Usual(middle - DEVIATIONS * spread, middle + DEVIATIONS * spread, unit)
