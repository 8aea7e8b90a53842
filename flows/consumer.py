"""A consumer's side: one scan in, label map and volumes out, through the registered model."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np

from scalemai_core.errors import RejectedInput, UsageError
from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.intake.writer import write_nifti
from scalemai_core.records.version import ModelVersion
from scalemai_core.settings.engine import TrackingSettings
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.bundle import bundle_model, chosen_model
from tasks.tracking.consumer import load_model
from tasks.tracking.server import tracking_uri


def predict_file(
    model_uri: str,
    scan_file: str,
    out_file: Path,
    workspace: str | None,
    tracking: TrackingSettings,
) -> dict[str, float]:
    """Write the label map in the scan's own orientation, and ``OUT_FILE``'s table beside it.

    Lesions lie over vessels, vessels over anatomy; ids are the taxonomy's. Returns volumes in ml.
    """
    if not out_file.name.endswith((".nii", ".nii.gz")):
        raise UsageError(f"{out_file}: the label map is written as .nii.gz, name it so")
    model = load_model(model_uri, _registry(workspace, tracking))
    cases = open_source(scan_file).cases
    if len(cases) != 1:
        raise UsageError(f"{scan_file} holds {len(cases)} scans; give one")
    try:
        case = read_case(cases[0])
    except RejectedInput as error:
        raise UsageError(f"{error} ({error.remedy})") from error
    spacing_mm_zyx = case.grid.spacing_mm_zyx
    scan = {"image_zyx": case.image_zyx, "spacing_mm_zyx": spacing_mm_zyx}
    result = model.predict(scan)[0]
    merged_zyx = np.zeros(case.image_zyx.shape, dtype=np.uint8)
    for labels_zyx in result["labels"].values():
        merged_zyx = np.where(labels_zyx > 0, labels_zyx, merged_zyx)
    write_nifti(out_file, merged_zyx, case.source_axes, case.source_affine)
    _write_table(out_file, result["volumes_ml"])
    return result["volumes_ml"]


def write_bundle(
    workspace: str, tracking: TrackingSettings, version: int | None, folder: Path
) -> ModelVersion:
    """Write a registered model, the champion where none is named, as a bundle for MONAI."""
    store = Workspace.open(workspace)
    model = chosen_model(store, tracking, version)
    bundle_model(store, model, folder)
    return model


def _registry(workspace: str | None, tracking: TrackingSettings) -> str:
    if workspace is not None:
        return tracking_uri(Workspace.open(workspace), tracking)
    uri = tracking.uri or os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        raise UsageError("which registry? give --workspace WORKSPACE or set MLFLOW_TRACKING_URI")
    return uri


def _write_table(out_file: Path, volumes_ml: dict[str, float]) -> None:
    taxonomy = load_taxonomy()
    table = out_file.with_name(out_file.name.removesuffix(".gz").removesuffix(".nii") + ".csv")
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "structure", "volume_ml"])
        for name, volume_ml in sorted(volumes_ml.items(), key=lambda item: taxonomy[item[0]].id):
            writer.writerow([taxonomy[name].id, name, f"{volume_ml:.3f}"])
