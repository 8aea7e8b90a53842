"""What the newest dataset version says of a mask; each version is read once."""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from scalemai_core.errors import WorkspaceError
from scalemai_core.records.grid import Grid
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.workspace import Workspace

SCANS = 512
"""Scans whose annotations are kept in memory."""


class LatestMasks:
    """Label maps of current masks, and the grids that they lie on."""

    def __init__(self, store: Workspace) -> None:
        self._store = store
        self._versions: dict[int, DatasetVersion] = {}
        self._numbers = lru_cache(1)(self._read_newest)
        self._label_maps = lru_cache(SCANS)(self._read_label_maps)
        self._grids = lru_cache(SCANS)(self._read_grid)

    def label_map(self, scan_id: str, structure: str) -> str | None:
        """The mask's label map in the newest dataset version."""
        return self._label_maps(self._newest(), scan_id).get(structure)

    def grid(self, scan_id: str) -> Grid:
        """Where the scan's voxels lie; raises WorkspaceError for an unknown scan."""
        return self._grids(self._newest(), scan_id)

    def _newest(self) -> int:
        return self._numbers(self._store.catalog.state())

    def _read_newest(self, _state: int | None) -> int:
        if (version := self._store.catalog.latest()) is None:
            raise WorkspaceError(f"{self._store.url} has no dataset version yet")
        self._versions[version.number] = version
        return version.number

    def _read_label_maps(self, number: int, scan_id: str) -> dict[str, str | None]:
        rows = self._store.catalog.annotations(self._versions[number], [scan_id])
        return dict(rows.select("structure", "label_map").iter_rows())

    def _read_grid(self, number: int, scan_id: str) -> Grid:
        rows = self._store.catalog.scans(self._versions[number]).filter(
            pl.col("scan_id") == scan_id
        )
        if not rows.height:
            raise WorkspaceError(f"no scan {scan_id} in dataset version {number}")
        return Grid.model_validate_json(rows["grid"][0])
