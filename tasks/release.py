"""Export of a dataset version."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.release.nnunet import export_nnunet
from scalemai_core.store.workspace import Workspace


@task(task_run_name="export version {number}", cache_policy=NO_CACHE)
def export_version(workspace: str, number: int, folder: Path) -> int:
    """Scans, label maps and the table of annotations; returns the number of cases."""
    store = Workspace.open(workspace)
    return export_nnunet(store, store.catalog.version(number), folder)
