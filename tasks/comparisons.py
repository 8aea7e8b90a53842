"""Comparisons of candidates with lesions, as a stage keeps them: a row each, the record as JSON."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from scalemai_core.records.detection import Detection
from tasks.shards import Rows

COMPARISONS = pl.Schema(dict.fromkeys(("scan_id", "site", "gold", "detection"), pl.String))


def detections_of(compared: pl.DataFrame) -> list[Detection]:
    """The records of a stage's rows, or of some."""
    if not compared.height:
        return []
    return [Detection.model_validate_json(text) for text in compared["detection"]]


def as_rows(found: Iterable[Detection]) -> Rows:
    """What rows are looked for by, beside the record."""
    return [
        {
            "scan_id": one.scan_id,
            "site": one.site,
            "gold": one.gold and one.gold.value,
            "detection": one.model_dump_json(),
        }
        for one in found
    ]
