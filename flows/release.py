"""Release: a dataset version leaves the workspace as files."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from tasks.release import Form, export_version


@flow(name="release", flow_run_name="release version {number}")
def release(workspace: str, number: int, folder: Path, form: Form = "nnunet") -> int:
    """Write a dataset version as an nnU-Net dataset or as DICOM; returns the number of cases."""
    return export_version(workspace, number, folder, form)
