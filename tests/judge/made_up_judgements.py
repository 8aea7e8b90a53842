"""Judgements of a made-up population, as the decision table takes them."""

from __future__ import annotations

import polars as pl

from scalemai_core.records.annotation import State
from scalemai_core.records.judgement import Judgement

NUMBERS = {
    "intersection_ml": 0.0,
    "mean_hu_current": 50.0,
    "mean_hu_prediction": 50.0,
    "pieces_current": 1,
    "pieces_prediction": 1,
    "crumbs_current": 0.0,
    "crumbs_prediction": 0.0,
    "offset_mm": 0.0,
    **{f"{axis}_mm_{which}": 0.0 for axis in "xyz" for which in ("current", "prediction")},
    "at_border_current": False,
    "at_border_prediction": False,
    "faults_current": 0,
    "doubts_current": 0,
    "faults_prediction": 0,
    "doubts_prediction": 0,
    "findings_current": "",
    "findings_prediction": "",
    "dice": 0.92,
    "volume_ml_current": 100.0,
    "volume_ml_prediction": 100.0,
}
CONTEXT = {"gold": None, "case": "case", "layer": "anatomy", "origin": "source", "message": ""}
TYPES = {"gold": pl.String, "dice": pl.Float64}


def judged(scan_id: str, structure: str = "liver", **facts: object) -> dict[str, object]:
    """One row; unknown means that there is no annotation."""
    context = {name: facts.pop(name, value) for name, value in CONTEXT.items()}
    unknown = facts.get("state") == State.UNKNOWN
    missing = {"volume_ml_current": 0.0, "dice": 0.0} if unknown else {}
    row = {"scan_id": scan_id, "structure": structure, "state": State.PRESENT}
    record = Judgement.model_validate(row | NUMBERS | missing | facts)
    return record.model_dump(mode="json") | context


def population(*special: dict[str, object], structure: str = "liver") -> pl.DataFrame:
    """Twenty masks on which all agree, four trusted ones, and the rows under test."""
    usual = [judged(f"usual {i:02d}", structure, dice=0.9 + 0.002 * (i % 5)) for i in range(20)]
    gold = [judged(f"gold {i}", structure, gold="fit", origin="gold", dice=0.93) for i in range(4)]
    return pl.DataFrame([*usual, *gold, *special], schema_overrides=TYPES)
