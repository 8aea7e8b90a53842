"""Sensitivity for lesions by size, place and type; method reference, section 11.5.

A stratum has its own lesions; false positives, and with them confidence thresholds, are of all.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.measure.statistics import Interval, clopper_pearson
from scalemai_core.records.lesion import Lesion

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MIN_LESIONS = 10
"""Lesions below which a stratum has counts, but no estimate."""
EARLY_MM = 20.0
"""Greatest diameter of an early lesion."""

_EDGES_MM = (0.0, 5.0, 10.0, 20.0, 40.0, np.inf)
_SIZES = ("<= 5 mm", "5-10 mm", "10-20 mm", "20-40 mm", "> 40 mm")


@dataclass(frozen=True, slots=True, eq=False)
class StratumSensitivity:
    """Lesions of one stratum, and how many were found."""

    num_lesions: int
    num_hits: int
    sensitivity: Interval | None
    """With the exact interval; None with fewer than ten lesions."""


def size_strata(diameter_mm: Floats) -> dict[str, Bools]:
    """Lesions by diameter, upper ends included, and the early ones across them."""
    strata = {
        name: (diameter_mm > low) & (diameter_mm <= high)
        for name, low, high in zip(_SIZES, _EDGES_MM[:-1], _EDGES_MM[1:], strict=True)
    }
    return strata | {"early": diameter_mm <= EARLY_MM}


def size_ranges_mm() -> dict[str, tuple[float, float]]:
    """Diameters of every stratum by size: above the first, up to the second; without the early."""
    return dict(zip(_SIZES, itertools.pairwise(_EDGES_MM), strict=True))


def place_strata(lesions: Sequence[Lesion]) -> dict[str, Bools]:
    """Lesions by the structure they lie in: head, body and tail of the pancreas apart."""
    return _by_name([lesion.place for lesion in lesions])


def type_strata(lesions: Sequence[Lesion]) -> dict[str, Bools]:
    """Lesions by the lesion structure they are."""
    return _by_name([lesion.structure for lesion in lesions])


def stratum_sensitivity(
    strata: Mapping[str, Bools],
    lesion_confidence: Floats,
    threshold: float,
    *,
    level: float = 0.95,
) -> dict[str, StratumSensitivity]:
    """Lesions found at least as confident as ``threshold``, by stratum; empty strata stay in.

    ``lesion_confidence`` is 0 for missed lesions, which no threshold finds.
    """
    found = (lesion_confidence >= threshold) & (lesion_confidence > 0)
    return {
        name: _sensitivity(int(np.count_nonzero(members)), int(found[members].sum()), level)
        for name, members in strata.items()
    }


def _sensitivity(num_lesions: int, num_hits: int, level: float) -> StratumSensitivity:
    enough = num_lesions >= MIN_LESIONS
    interval = clopper_pearson(num_hits, num_lesions, level=level) if enough else None
    return StratumSensitivity(num_lesions, num_hits, interval)


def _by_name(names: Sequence[str]) -> dict[str, Bools]:
    array = np.asarray(names, dtype=np.str_)
    return {name: array == name for name in sorted(set(names))}
