"""A workspace's first dataset version of scans that nobody has said anything about."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from scalemai_core.records.grid import Grid
from scalemai_core.records.scan import GoldRole, Scan
from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.rows import scan_rows
from scalemai_core.store.workspace import Workspace


def commit_scans(store: Workspace, grid: Grid, roles: Mapping[str, GoldRole | None]) -> None:
    """One scan a patient, all on one grid and in one fold, by name with its gold role."""
    scans = [
        Scan(
            scan_id=name,
            patient=name,
            case=name,
            source="s",
            grid=grid,
            source_axes="RAS",
            source_affine=grid.affine,
            fold=0,
            gold=role,
        )
        for name, role in roles.items()
    ]
    annotations = pl.DataFrame(schema=tables.ANNOTATIONS)
    commit = store.catalog.commit
    commit(
        base=None, scans=scan_rows(scans), annotations=[annotations], round_number=0, message="m"
    )
