"""Reports: what radiologists wrote of the scans comes in as a table."""

from __future__ import annotations

from prefect import flow

from scalemai_core.records.rejection import Rejection
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.documents.claim import INGEST, claimed
from scalemai_core.store.workspace import Workspace
from tasks.reports import take_reports


@flow(name="reports", flow_run_name="reports of {table}")
def reports(workspace: str, table: str) -> tuple[DatasetVersion | None, tuple[Rejection, ...]]:
    """Commit the reports that can be taken; returns the version, and the rows that cannot.

    As an ingestion it may run beside a round, and not while garbage is collected.
    """
    with claimed(Workspace.open(workspace).files, INGEST, "reports"):
        return take_reports(workspace, table)
