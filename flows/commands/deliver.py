"""Commands that give something away: a dataset as files, a model's labels of one scan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.commands.lazy import load, prepare_prefect
from flows.commands.options import JsonOption, SettingsOption, WorkspaceArgument
from flows.console import answer, print_json, print_table, say
from scalemai_core.settings.file import load_settings
from scalemai_core.store.workspace import Workspace

app = typer.Typer()


@app.command()
def export(
    workspace: WorkspaceArgument,
    folder: Annotated[Path, typer.Argument(help="New folder.")],
    version: Annotated[int, typer.Option(help="Dataset version.")],
    format: Annotated[Literal["nnunet", "dicom-seg"], typer.Option()] = "nnunet",  # noqa: A002
    as_json: JsonOption = False,
) -> None:
    """Write a dataset version as an nnU-Net dataset, or as DICOM with a segmentation a layer."""
    store = Workspace.open(workspace)
    store.catalog.version(version)
    prepare_prefect(store)
    cases = load("release", "release")(workspace, version, folder, format)
    answer(
        as_json=as_json,
        document={"cases": cases, "folder": str(folder)},
        line=f"{cases} cases in {folder}",
    )


@app.command()
def bundle(
    workspace: WorkspaceArgument,
    folder: Annotated[Path, typer.Argument(help="New folder.")],
    version: Annotated[
        int | None, typer.Option(help="Registered model version; else the champion.")
    ] = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a model as a bundle that MONAI runs without this engine, with the model's card."""
    tracking = load_settings(settings).tracking
    model = load("consumer", "write_bundle")(workspace, tracking, version, folder)
    answer(
        as_json=as_json,
        document={"model": model.model_dump(mode="json"), "folder": str(folder)},
        line=f"Model version {model.version} in {folder}; read docs/README.md there first",
    )


@app.command()
def predict(
    model_uri: Annotated[str, typer.Argument(help="e.g. models:/scalemai@champion")],
    scan_file: Annotated[str, typer.Argument(help="A volume file or DICOM folder.")],
    out_file: Annotated[Path, typer.Argument(help="Label map, .nii.gz")],
    workspace: Annotated[
        str | None, typer.Option(help="Whose registry; else MLFLOW_TRACKING_URI.")
    ] = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Segment one scan with a registered model; ids and volumes go to a table beside it."""
    tracking = load_settings(settings).tracking
    predict_file = load("consumer", "predict_file")
    volumes_ml = predict_file(model_uri, scan_file, out_file, workspace, tracking)
    if as_json:
        print_json({"labels": str(out_file), "volumes_ml": volumes_ml})
        return
    print_table("Structures", ("structure", "volume, ml"), sorted(volumes_ml.items()))
    say(f"Label map: {out_file}")
