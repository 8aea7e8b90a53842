"""The columns of the catalog and the ledger, one schema a table."""

from __future__ import annotations

import polars as pl

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
        "scan_id": pl.String,
        "structure": pl.String,
        "state": pl.String,
        "label_map": pl.String,
        "origin_name": pl.String,
    }
)

FINDINGS = pl.Schema(
    {
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
