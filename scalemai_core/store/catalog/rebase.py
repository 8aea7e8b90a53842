"""Committing a round's annotations on what has become of the dataset since the round began."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable

import polars as pl

from scalemai_core.errors import CommitConflict
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.catalog.blocks import Blocks
from scalemai_core.store.catalog.catalog import Catalog
from scalemai_core.store.catalog.replace import replaced

log = logging.getLogger("scalemai.round")

TRIES = 8
PAUSE_SECONDS = 0.2
"""Longest pause after the first lost race; doubled after each, and drawn, so that those who met
once do not meet again."""


def commit_revision(
    catalog: Catalog,
    base: DatasetVersion,
    revised: Iterable[pl.DataFrame],
    round_number: int,
    check: Callable[[], None] = lambda: None,
) -> DatasetVersion:
    """A dataset version with the revised scans' rows, all of them, in place of what they had.

    ``revised`` comes some scans at a time, in their order, and may be gone through again.

    Scans and reports that came in since ``base`` stay. A scan that got other labels since then
    keeps those, and the next round judges them. A round has one version: what another process
    committed for it is returned as it is. ``check`` raises where this process may not commit any
    more; it is asked before every try. Raises CommitConflict after many lost races.
    """
    for lost in range(TRIES):
        check()
        versions = catalog.versions()
        done = next((v for v in versions if v.round == round_number), None)
        if done is not None:
            return done
        newest = versions[-1] if versions else base
        try:
            return catalog.commit(
                base=newest,
                scans=catalog.scans(newest),
                annotations=_rebased(catalog, base, newest, revised),
                round_number=round_number,
                message=f"round {round_number}",
            )
        except CommitConflict:
            if lost == TRIES - 1:
                raise
            time.sleep(random.uniform(0, PAUSE_SECONDS * 2**lost))
    raise AssertionError("the last try returns or raises")


def _rebased(
    catalog: Catalog, base: DatasetVersion, newest: DatasetVersion, revised: Iterable[pl.DataFrame]
) -> Blocks:
    if newest.number == base.number:
        return replaced(catalog, newest, revised)
    moved = catalog.changes(base, newest)["scan_id"].unique()
    lost = sum(block.filter(_of(moved))["scan_id"].n_unique() for block in revised)
    if lost:
        log.warning("%d scans got other labels meanwhile and are not revised", lost)
    left = Blocks(lambda: (block.filter(~_of(moved)) for block in revised))
    return replaced(catalog, newest, Blocks(lambda: (one for one in left if one.height)))


def _of(scans: pl.Series) -> pl.Expr:
    return pl.col("scan_id").is_in(scans.implode())
