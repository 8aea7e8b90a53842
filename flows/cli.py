"""The ``scalemai`` command: starts flows, shows what is stored."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from flows.console import (
    answer,
    complain,
    plain_rows,
    print_json,
    print_markdown,
    print_table,
    quiet_libraries,
    say,
    show_progress,
)
from scalemai_core.errors import ScaleMAIError, UsageError
from scalemai_core.records.offer import Offer
from scalemai_core.settings_file import load_settings
from scalemai_core.store.workspace import Workspace

app = typer.Typer(
    help="An open EM data engine for medical CT: noisy labels in, an expert dataset and model out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

WorkspaceArgument = Annotated[str, typer.Argument(help="A folder or an s3:// URL.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
SettingsOption = Annotated[
    Path | None, typer.Option("--settings", help="YAML file with sections of settings.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="One setting: SECTION.KEY=VALUE.")
]


@app.command()
def ingest(
    workspace: WorkspaceArgument,
    sources: Annotated[
        list[str],
        typer.Argument(
            help="nnU-Net dataset, case folder(s), DICOM folder, volume file, or IMAGE=LABELS."
        ),
    ],
    labels_from: Annotated[
        str | None, typer.Option(help="Map of label names: one that ships, or a YAML file.")
    ] = None,
    gold: Annotated[
        bool, typer.Option("--gold", help="Trusted labels: never trained on, used to judge.")
    ] = False,
    settings: SettingsOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Turn files into scans, annotations and a dataset version."""
    engine = load_settings(settings, overrides or [])
    store = Workspace.create(workspace)
    _prepare_prefect(store)
    offer = Offer(
        workspace=workspace,
        sources=tuple(sources),
        labels_from=labels_from,
        gold=gold,
        shard_size=engine.compute.shard_size,
    )
    version = _flow("ingest", "ingest")(offer, engine.compute)
    if as_json:
        print_json(version.model_dump(mode="json") if version else None)
    elif version:
        say(f"dataset version {version.number}: {version.scans} scans, {version.annotations} known")
    else:
        say("nothing new: the workspace is as it was")


@app.command()
def round(  # noqa: A001 - the command's name
    workspace: WorkspaceArgument,
    settings: SettingsOption = None,
    overrides: SetOption = None,
    review: Annotated[
        Literal["skip", "simulate", "wait"] | None, typer.Option(help="How people come in.")
    ] = None,
    truth: Annotated[
        str | None, typer.Option(help="SOURCE whose cases answer a simulated review.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run one EM round, or go on with the one that was not finished."""
    extra = [f"review.mode={review}"] if review else []
    engine = load_settings(settings, [*(overrides or []), *extra])
    store = Workspace.open(workspace)
    _prepare_prefect(store)
    state = _flow("em_round", "em_round")(workspace, engine, truth, return_state=True)
    if state.name == _flow("em_round", "AWAITING_REVIEW"):
        answer(
            as_json=as_json,
            document={"state": state.name, "message": state.message},
            line=str(state.message),
        )
        return
    result = state.result()
    if as_json:
        print_json(result.model_dump(mode="json"))
        return
    print_markdown(_flow("overview", "round_in_words")(workspace, result))
    say(f"The whole report: {_flow('overview', 'report_url')(workspace, result)}")


@app.command()
def status(
    workspace: WorkspaceArgument, settings: SettingsOption = None, as_json: JsonOption = False
) -> None:
    """Show versions, rounds, models, the review queue, and what was rejected."""
    engine = load_settings(settings)
    found = _flow("overview", "overview")(workspace, engine.tracking, engine.review)
    if as_json:
        print_json(found)
        return
    columns = ("number", "round", "scans", "annotations", "changed", "message")
    print_table("Dataset versions", columns, plain_rows(found["versions"], columns))
    columns = ("version", "aliases", "round", "dataset_version", "key")
    print_table("Models", columns, plain_rows(found["models"], columns))
    columns = ("number", "dataset_version", "model_version", "changed", "reviewed_share", "held")
    print_table("Rounds", columns, plain_rows(found["rounds"], columns))
    columns = ("reason", "message", "remedy")
    print_table("Rejected inputs", columns, plain_rows(found["rejected"], columns))
    queue = found["queue"]
    say(f"Review queue: {queue['open']} open, {queue['decided']} decided")
    if found["unfinished_round"]:
        say(f"Round {found['unfinished_round']} is not finished: run 'scalemai round' again")


@app.command()
def versions(
    workspace: WorkspaceArgument,
    action: Annotated[Literal["list", "diff"], typer.Argument()] = "list",
    older: Annotated[int | None, typer.Argument(metavar="[A]")] = None,
    newer: Annotated[int | None, typer.Argument(metavar="[B]")] = None,
    as_json: JsonOption = False,
) -> None:
    """List dataset versions, or tell what changed from A to B, by whom and why."""
    store = Workspace.open(workspace)
    if action == "list":
        found = [version.model_dump(mode="json") for version in store.catalog.versions()]
        columns = ("number", "round", "scans", "annotations", "changed", "created", "digest")
        if as_json:
            print_json(found)
        else:
            print_table("Dataset versions", columns, plain_rows(found, columns))
        return
    if older is None or newer is None or older >= newer:
        raise UsageError("versions diff takes two version numbers, the older first")
    changes = store.catalog.changes(store.catalog.version(older), store.catalog.version(newer))
    if as_json:
        print_json(changes.to_dicts())
        return
    by = ["structure", "before", "after", "origin", "origin_name", "reason"]
    counted = changes.group_by(by).len("masks").sort("masks", "structure", descending=[True, False])
    title = f"Version {older} to {newer}: {changes.height} masks"
    print_table(title, counted.columns, counted.rows())


@app.command()
def export(
    workspace: WorkspaceArgument,
    folder: Annotated[Path, typer.Argument(help="New folder.")],
    version: Annotated[int, typer.Option(help="Dataset version.")],
    format: Annotated[Literal["nnunet"], typer.Option()] = "nnunet",  # noqa: A002
    as_json: JsonOption = False,
) -> None:
    """Write a dataset version as files, each in its own orientation."""
    store = Workspace.open(workspace)
    store.catalog.version(version)
    _prepare_prefect(store)
    cases = _flow("release", "release")(workspace, version, folder)
    answer(
        as_json=as_json,
        document={"cases": cases, "folder": str(folder)},
        line=f"{cases} cases in {folder}",
    )


@app.command()
def predict(
    model_uri: Annotated[str, typer.Argument(help="e.g. models:/scalemai@champion")],
    scan_file: Annotated[str, typer.Argument(help="A volume file or DICOM folder.")],
    out_file: Annotated[Path, typer.Argument(help="Label map, .nii.gz")],
    workspace: Annotated[
        str | None, typer.Option(help="Whose registry; else MLFLOW_TRACKING_URI.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Segment one scan with a registered model; ids and volumes go to a table beside it."""
    volumes_ml = _flow("consumer", "predict_file")(model_uri, scan_file, out_file, workspace)
    if as_json:
        print_json({"labels": str(out_file), "volumes_ml": volumes_ml})
        return
    print_table("Structures", ("structure", "volume, ml"), sorted(volumes_ml.items()))
    say(f"Label map: {out_file}")


@app.command()
def demo(
    workspace: Annotated[str, typer.Argument(help="New folder.")] = "demo",
    as_json: JsonOption = False,
) -> None:
    """Run two EM rounds on a small population of phantom patients, from nothing to a model."""
    os.environ.setdefault("PREFECT_HOME", str(Path(workspace).absolute() / "prefect"))
    report = _flow("demo", "run_demo")(workspace)
    if as_json:
        print_json(report)


def main() -> None:
    """Run the command line: a user's mistake is one line and exit code 2."""
    quiet_libraries()
    show_progress()
    try:
        app(standalone_mode=True)
    except UsageError as error:
        complain(str(error))
        sys.exit(2)
    except ScaleMAIError as error:
        complain(str(error))
        sys.exit(1)


def _flow(module: str, name: str) -> Callable[..., Any] | Any:
    """Imported when called: Prefect, torch and MONAI take seconds that ``--help`` need not wait."""
    return getattr(importlib.import_module(f"flows.{module}"), name)


def _prepare_prefect(store: Workspace) -> None:
    """Keep Prefect's state with the workspace unless the user named a server or a home."""
    if "PREFECT_API_URL" not in os.environ and "PREFECT_HOME" not in os.environ:
        home = store.local_state / "prefect"
        home.mkdir(parents=True, exist_ok=True)
        os.environ["PREFECT_HOME"] = str(home)
