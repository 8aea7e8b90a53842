"""Radiology reports: a table of them becomes a dataset version."""

from __future__ import annotations

import logging
from pathlib import Path

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.errors import WorkspaceError
from scalemai_core.intake.reports import ReportRow, read_reports
from scalemai_core.records.rejection import Rejection
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.replace import replaced
from scalemai_core.store.workspace import Workspace

log = logging.getLogger("scalemai.reports")


@task(task_run_name="take in reports", cache_policy=NO_CACHE)
def take_reports(workspace: str, table: str) -> tuple[DatasetVersion | None, tuple[Rejection, ...]]:
    """Commit the reports of a table; None where they change nothing.

    A case's name may stand for several scans (phases): all of them get its report. Rejected rows
    are stored with those of scans and labels, and returned.
    """
    store = Workspace.open(workspace)
    base = store.catalog.latest()
    if base is None:
        raise WorkspaceError(f"{workspace} is empty: ingest the scans before their reports")
    scans = store.catalog.scans(base)
    rows = read_reports(Path(table), frozenset(scans["case"]))
    rejections = tuple(row for row in rows if isinstance(row, Rejection))
    for rejection in rejections:
        log.warning("rejected: %s (%s)", rejection.message, rejection.remedy)
    store.catalog.append("rejections", [one.model_dump() for one in rejections], tables.REJECTIONS)
    texts = {row.case: row.text for row in rows if isinstance(row, ReportRow)}
    told = pl.col("case").replace_strict(texts, default=None, return_dtype=pl.String)
    reported = scans.with_columns(report=pl.coalesce(told, "report"))
    if reported.equals(scans):
        return None, rejections
    version = store.catalog.commit(
        base=base,
        scans=reported,
        annotations=replaced(store.catalog, base, []),
        round_number=0,
        message=f"reports of {Path(table).name}",
    )
    log.info("dataset version %d: %d reports", version.number, len(texts))
    return version, rejections
