"""The columns of the catalog and the ledger, one schema a table."""

from __future__ import annotations

from typing import get_args

import polars as pl

from scalemai_core.records.base import Record
from scalemai_core.records.evidence import Evidence
from scalemai_core.records.judgement import Judgement

GROUP_ROWS = 2**15
"""Rows that are read together: a shard's scans are few among millions of rows, sorted by scan."""

SCANS = pl.Schema(
    {
        "scan_id": pl.String,
        "patient": pl.String,
        "case": pl.String,
        "source": pl.String,
        "grid": pl.String,  # Grid as JSON: exact, and readable by anything
        "source_axes": pl.String,
        "source_affine": pl.String,
        "fold": pl.Int32,
        "gold": pl.String,
        "sex": pl.String,
        "age_years": pl.Float64,
        "phase": pl.String,
        "centre": pl.String,
        "report": pl.String,
    }
)

ANNOTATIONS = pl.Schema(
    {
        "scan_id": pl.String,
        "structure": pl.String,
        "state": pl.String,
        "label_map": pl.String,
        "origin": pl.String,
        "origin_name": pl.String,
        "quality": pl.Float64,
        "weight": pl.Float64,
        "round": pl.Int32,
        "reason": pl.String,
        "revision": pl.Int32,
        "previous_label_map": pl.String,
    }
)

CHANGES = pl.Schema(
    {
        "commit": pl.String,
        "scan_id": pl.String,
        "structure": pl.String,
        "before": pl.String,
        "after": pl.String,
        "label_map_before": pl.String,
        "label_map_after": pl.String,
        "origin": pl.String,
        "origin_name": pl.String,
        "round": pl.Int32,
        "reason": pl.String,
    }
)

CANDIDATES = pl.Schema(
    {
        "commit": pl.String,
        "scan_id": pl.String,
        "structure": pl.String,
        "state": pl.String,
        "label_map": pl.String,
        "origin_name": pl.String,
    }
)

FINDINGS = pl.Schema(
    {
        "commit": pl.String,
        "scan_id": pl.String,
        "case": pl.String,
        "rule": pl.String,
        "structure": pl.String,
        "severity": pl.String,
        "value": pl.Float64,
        "limit": pl.Float64,
        "unit": pl.String,
        "message": pl.String,
    }
)

REJECTIONS = pl.Schema(
    {
        "source": pl.String,
        "path": pl.String,
        "reason": pl.String,
        "message": pl.String,
        "remedy": pl.String,
    }
)

VERDICTS = pl.Schema(
    {
        "item_id": pl.String,
        "round": pl.Int32,
        "scan_id": pl.String,
        "structure": pl.String,
        "reader": pl.String,
        "choice": pl.String,
        "label_map": pl.String,
        "base_label_map": pl.String,
        "seconds": pl.Float64,
        "created": pl.Datetime("us", "UTC"),
    }
)

VERSIONS = pl.Schema(
    {
        "number": pl.Int64,
        "round": pl.Int32,
        "scans_delta": pl.Int64,
        "annotations_delta": pl.Int64,
        "commit": pl.String,
        "scans": pl.Int64,
        "annotations": pl.Int64,
        "changed": pl.Int64,
        "digest": pl.String,
        "message": pl.String,
        "created": pl.Datetime("us", "UTC"),
    }
)


def _columns(kind: type[Record]) -> dict[str, pl.DataType]:
    """A record's fields as columns; words for whatever is no number."""
    numbers = {float: pl.Float64(), int: pl.Int64(), bool: pl.Boolean()}
    found: dict[str, pl.DataType] = {}
    for name, field in kind.model_fields.items():
        types = get_args(field.annotation) or (field.annotation,)
        found[name] = numbers.get(types[0], pl.String())
    return found


JUDGED = pl.Schema({**_columns(Judgement), "message": pl.String, "proposal_map": pl.String})
"""Of the judge stage, a row a mask."""

SEEN = pl.Schema({"scan_id": pl.String, "structure": pl.String, **_columns(Evidence)})
"""Of the predict stage, a row a structure that the model knows."""


def typed(rows: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Rows with a schema's columns and types: a number that none of them has came without one."""
    if not rows.height:
        return pl.DataFrame(schema=schema)
    return rows.select(schema.names()).cast(schema)  # pyright: ignore[reportArgumentType] - a schema is a mapping
