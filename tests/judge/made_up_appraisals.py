"""Appraised annotations, as the decision table takes them."""

from __future__ import annotations

import polars as pl

APPRAISED: dict[str, object] = {
    "scan_id": "scan",
    "structure": "liver",
    "state": "present",
    "gold": None,
    "origin": "source",
    "layer": "anatomy",
    "dice": 0.7,
    "volume_ml_prediction": 1500.0,
    "score_current": 0.95,
    "quality_current": 0.95,
    "score_rival": 0.9,
    "quality_rival": 0.9,
    "rival": "prediction",
    "rival_map": None,
    "better": 0.3,
    "gain": -0.05,
    "enabled": True,
    "taught": "gold",
    "review_gain": 0.02,
    "seconds": 10.0,
    "findings_current": "",
    "message": "",
}
TYPES = {"gold": pl.String, "rival_map": pl.String, "dice": pl.Float64}
CONVICTED: dict[str, object] = {
    "dice": 0.1,
    "score_current": 0.2,
    "quality_current": 0.01,
    "better": 0.999,
    "gain": 0.7,
    "review_gain": 0.75,
}
"""A mask that the expert is sure about."""


def appraised(*rows: dict[str, object]) -> pl.DataFrame:
    """A table of the given facts, everything else as it is for a good mask."""
    named = [APPRAISED | {"scan_id": f"scan {i:03d}"} | row for i, row in enumerate(rows)]
    return pl.DataFrame(named, schema_overrides=TYPES)
