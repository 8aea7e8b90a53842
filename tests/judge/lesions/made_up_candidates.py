"""Candidates of which only what matters is said."""

from __future__ import annotations

import math
from typing import Any

from scalemai_core.records.lesion import LesionCandidate


def candidate(name: str, structure: str, probability: float, **numbers: Any) -> LesionCandidate:
    site, organ = {
        "pancreatic": ("pancreas", "pancreas"),
        "liver": ("liver", "liver"),
        "kidney": ("kidney", "kidney_left"),
        "colon": ("colon", "colon"),
    }[structure.split("_")[0]]
    known: dict[str, Any] = {
        "number": 1,
        "volume_mm3": math.pi / 6 * 10.0**3,
        "diameter_mm": 10.0,
        "x_mm": 0.0,
        "y_mm": 0.0,
        "z_mm": 0.0,
        "place": organ,
        "scan_id": "scan",
        "site": site,
        "organ": organ,
        "component_hash": name,
    }
    return LesionCandidate(
        candidate_id=name,
        structure=structure,
        probability=probability,
        log_odds=math.log(probability / (1 - probability)),
        **(known | numbers),
    )
