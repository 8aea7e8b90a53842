"""Commands that look: what a workspace holds, what changed, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from flows.commands.lazy import load
from flows.commands.options import JsonOption, SettingsOption, WorkspaceArgument
from flows.console import plain_rows, print_json, print_markdown, print_table, say
from scalemai_core.errors import UsageError
from scalemai_core.settings.file import load_settings
from scalemai_core.store.workspace import Workspace

app = typer.Typer()


@app.command()
def status(
    workspace: WorkspaceArgument, settings: SettingsOption = None, as_json: JsonOption = False
) -> None:
    """Show versions, rounds, models, the review queue, and what was rejected."""
    engine = load_settings(settings)
    found = load("overview", "overview")(workspace, engine.tracking, engine.review)
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
    if found["waits_for"]:
        number, questions = found["unfinished_round"], found["waits_for"]
        say(f"Round {number} waits for {questions} answers: run 'scalemai review serve'")
    elif found["unfinished_round"]:
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
def judge(
    workspace: WorkspaceArgument,
    scan: Annotated[str, typer.Argument(help="Case name, scan id, or how the id begins.")],
    structure: Annotated[str | None, typer.Argument(help="A structure: words and picture.")] = None,
    number: Annotated[
        int | None, typer.Option("--round", min=1, help="Else the newest that decided on it.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="FILE.svg or FILE.png; else judge-CASE-STRUCTURE.svg.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell why a round decided as it did: all structures of a scan, or one in words and picture."""
    if structure is None:
        if picture is not None:
            raise UsageError("a picture shows one structure: name it after the scan")
        found = load("explanation", "scan_decisions")(workspace, scan, number)
        if as_json:
            print_json(found)
        else:
            _print_decisions(found)
        return
    found = load("explanation", "judgement")(workspace, scan, structure, number, picture)
    if as_json:
        print_json(found)
        return
    print_markdown(found["words"])
    say(f"The picture: {found['picture']}")


def _print_decisions(found: dict[str, Any]) -> None:
    title = f"{found['case']} ({found['scan_id']}), round {found['round']}: most doubtful first"
    rows = found["structures"]
    print_table(title, list(rows[0]), [list(row.values()) for row in rows])
