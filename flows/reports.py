"""Reports: what radiologists wrote of the scans comes in as a table."""

from __future__ import annotations

from prefect import flow

from scalemai_core.records.rejection import Rejection
from scalemai_core.records.version import DatasetVersion
from tasks.reports import take_reports


@flow(name="reports", flow_run_name="reports of {table}")
def reports(workspace: str, table: str) -> tuple[DatasetVersion | None, tuple[Rejection, ...]]:
    """Commit the reports that can be taken; returns the version, and the rows that cannot."""
    return take_reports(workspace, table)
