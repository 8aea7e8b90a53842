"""A dataset version's annotations, those of some scans replaced: what the next version holds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

import polars as pl

from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.blocks import Blocks
from scalemai_core.store.catalog.catalog import Catalog

AT_ONCE = 1000
"""Scans whose rows are held together."""


def replaced(catalog: Catalog, version: DatasetVersion, changed: Iterable[pl.DataFrame]) -> Blocks:
    """All annotations, some scans at a time and in their order.

    ``changed`` holds every row of the scans that are to be replaced or added, in the order of
    scans, and is gone through as often as the result.
    """
    known = catalog.annotations(version, columns=["scan_id"])["scan_id"]
    scan_ids = known.unique().sort().to_list()
    return Blocks(lambda: _merged(catalog, version, scan_ids, changed))


def _merged(
    catalog: Catalog, version: DatasetVersion, scan_ids: list[str], changed: Iterable[pl.DataFrame]
) -> Iterator[pl.DataFrame]:
    """Scans between two blocks of changed ones come with the second."""
    done = 0
    for block in changed:
        rows = tables.typed(block, tables.ANNOTATIONS).sort("scan_id", maintain_order=True)
        new = set(rows["scan_id"])
        end = bisect_right(scan_ids, rows["scan_id"][-1])
        for start in range(done, end, AT_ONCE):
            here = scan_ids[start : min(start + AT_ONCE, end)]
            old = catalog.annotations(version, [one for one in here if one not in new])
            own = rows.filter(pl.col("scan_id") <= here[-1])
            rows = rows.filter(pl.col("scan_id") > here[-1])
            yield pl.concat([old, own])
        if rows.height:
            yield rows
        done = max(done, end)
    for start in range(done, len(scan_ids), AT_ONCE):
        yield catalog.annotations(version, scan_ids[start : start + AT_ONCE])
