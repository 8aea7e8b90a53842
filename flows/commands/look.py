"""Commands that look: what a workspace holds, what changed, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.lazy import load
from flows.commands.options import JsonOption, SettingsOption, WorkspaceArgument
from flows.console import plain_rows, print_json, print_markdown, print_table, say
from scalemai_core.errors import UsageError
from scalemai_core.settings.file import load_settings

app = typer.Typer()

MOST_ROWS = 20
"""Lines about scans set aside; more are listed as JSON."""


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
    if paces := found["pace"]:
        going = "so far" if found["unfinished_round"] else "took"
        number = found["unfinished_round"] or len(found["rounds"])
        print_table(f"Round {number} {going}", list(paces[0]), plain_rows(paces, list(paces[0])))
    columns = ("reason", "message", "remedy")
    print_table("Rejected inputs", columns, plain_rows(found["rejected"], columns))
    columns = ("round", "stage", "scan", "reason")
    rows = plain_rows(found["set_aside"], columns)
    print_table("Scans set aside in the newest round", columns, rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        say(f"... and {len(rows) - MOST_ROWS} more: --json lists them")
    if openings := found["gold_test_openings"]:
        last = openings[-1]
        say(f"Gold test: opened {len(openings)} times, last in round {last['round']}")
    queue = found["queue"]
    say(f"Review queue: {queue['open']} open, {queue['decided']} decided")
    if found["waits_for"]:
        number, questions = found["unfinished_round"], found["waits_for"]
        say(f"Round {number} waits for {questions} answers: run 'scalemai review serve'")
    elif found["unfinished_round"]:
        say(f"Round {found['unfinished_round']} is not finished: run 'scalemai round' again")


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
