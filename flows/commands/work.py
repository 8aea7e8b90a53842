"""Commands that work: take scans in, play rounds, show the whole on phantoms."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from flows.commands.lazy import load, prepare_prefect
from flows.commands.options import JsonOption, SetOption, SettingsOption, WorkspaceArgument
from flows.console import print_json, print_markdown, say
from scalemai_core.records.offer import Offer
from scalemai_core.records.round import RoundResult
from scalemai_core.settings.file import load_settings
from scalemai_core.store.workspace import Workspace

app = typer.Typer()


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
    prepare_prefect(store)
    offer = Offer(
        workspace=workspace,
        sources=tuple(sources),
        labels_from=labels_from,
        gold=gold,
        shard_size=engine.compute.shard_size,
    )
    version = load("ingest", "ingest")(offer, engine.compute)
    if as_json:
        print_json(version.model_dump(mode="json") if version else None)
    elif version:
        say(f"dataset version {version.number}: {version.scans} scans, {version.annotations} known")
    else:
        say("nothing new: the workspace is as it was")


@app.command()
def reports(
    workspace: WorkspaceArgument,
    table: Annotated[
        str,
        typer.Argument(help="CSV or JSON Lines with a column for the case and one for the text."),
    ],
    as_json: JsonOption = False,
) -> None:
    """Add radiology reports to scans that are stored; rows that cannot be taken are named."""
    prepare_prefect(Workspace.open(workspace))
    version, rejections = load("reports", "reports")(workspace, table)
    if as_json:
        print_json(
            {
                "version": version.model_dump(mode="json") if version else None,
                "rejected": [one.model_dump(mode="json") for one in rejections],
            }
        )
        return
    if version:
        say(f"dataset version {version.number}: {version.message}")
    else:
        say("nothing new: the workspace is as it was")
    if rejections:
        say(f"{len(rejections)} rows were rejected; 'scalemai status {workspace}' counts them")


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
    rounds: Annotated[
        int, typer.Option(min=1, help="Rounds to play at most; ends before if no more is worth it.")
    ] = 1,
    as_json: JsonOption = False,
) -> None:
    """Run one EM round or several, beginning with the one that was not finished."""
    extra = [f"review.mode={review}"] if review else []
    given = [*(overrides or []), *extra]
    engine = load_settings(settings, given)  # a mistake is told before Prefect is loaded
    prepare_prefect(Workspace.open(workspace))
    if settings is None:
        engine = load_settings(None, given, load("em_round", "begun_with")(workspace))
    documents: list[dict[str, Any]] = []
    for state in load("em_round", "em_rounds")(workspace, engine, truth, rounds):
        waits = state.name == load("em_round", "AWAITING_REVIEW")
        if as_json:
            waiting = {"state": state.name, "message": state.message}
            documents.append(waiting if waits else state.result().model_dump(mode="json"))
        elif waits:
            say(str(state.message))
        else:
            _tell_round(workspace, state.result())
    if as_json:
        print_json(documents if rounds > 1 else documents[0])


def _tell_round(workspace: str, result: RoundResult) -> None:
    print_markdown(load("overview", "round_in_words")(workspace, result))
    say(f"The whole report: {load('overview', 'report_url')(workspace, result)}")
    if result.stop:
        say(f"No further round is worth it: {result.stop}")


@app.command()
def demo(
    workspace: Annotated[str, typer.Argument(help="New folder.")] = "demo",
    as_json: JsonOption = False,
) -> None:
    """Run two EM rounds on a small population of phantom patients, from nothing to a model."""
    os.environ.setdefault("PREFECT_HOME", str(Path(workspace).absolute() / "prefect"))
    report = load("demo", "run_demo")(workspace)
    if as_json:
        print_json(report)
