"""Export of a dataset version."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.release.dicom_seg import export_dicom_seg
from scalemai_core.release.nnunet import export_nnunet
from scalemai_core.store.workspace import Workspace

Form = Literal["nnunet", "dicom-seg"]
"""The kinds of files that a version is written as."""


@task(task_run_name="export version {number}", cache_policy=NO_CACHE)
def export_version(workspace: str, number: int, folder: Path, form: Form = "nnunet") -> int:
    """Scans, label maps and the table of annotations; returns the number of cases."""
    store = Workspace.open(workspace)
    export = export_nnunet if form == "nnunet" else export_dicom_seg
    return export(store, store.catalog.version(number), folder)
