"""``scalemai review``: put a waiting round's questions before people, and gather their answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.lazy import load, prepare_prefect
from flows.commands.options import JsonOption, SetOption, SettingsOption, WorkspaceArgument
from flows.console import answer, print_json, print_table, say
from scalemai_core.records.reader import Reader, Role
from scalemai_core.records.review_stats import Proportion
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.settings.file import load_settings
from scalemai_core.store.workspace import Workspace

app = typer.Typer(help="Put a round's questions before people, and gather their answers.")


@app.command()
def serve(
    workspace: WorkspaceArgument,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    settings: SettingsOption = None,
    overrides: SetOption = None,
) -> None:
    """Serve the review page; people sign in with a token that 'scalemai review token' gives out."""
    named = {"host": host, "port": port}
    more = [f"review.web.{key}={value}" for key, value in named.items() if value is not None]
    engine = _prepared(workspace, settings, [*(overrides or []), *more])
    load("desk", "serve_review")(workspace, engine.review)


@app.command()
def token(
    workspace: WorkspaceArgument,
    name: Annotated[str, typer.Argument(help="Under which the person's answers are kept.")],
    role: Annotated[Role, typer.Option(help="What the person may do.")] = Role.READER,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Take the person's tokens back.")
    ] = False,
    settings: SettingsOption = None,
    overrides: SetOption = None,
) -> None:
    """Give a person a token to sign in with; it is shown once and stored as a hash."""
    engine = _prepared(workspace, settings, overrides)
    if revoke:
        load("desk", "revoke_token")(workspace, name, engine.review)
        say(f"{name} cannot sign in any more")
        return
    made = load("desk", "new_token")(workspace, Reader(name=name, role=role), engine.review)
    say(f"{name} ({role.value}) signs in with this token, shown only now:")
    say(made)


@app.command()
def simulate(
    workspace: WorkspaceArgument,
    truth: Annotated[str, typer.Option(help="SOURCE whose cases answer the questions.")],
    settings: SettingsOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a truth answer what is still open, as 'round --review simulate' would."""
    engine = _prepared(workspace, settings, overrides)
    answered = load("review", "simulate_review")(workspace, engine, truth)
    answer(
        as_json=as_json,
        document={"answered": answered},
        line=f"{answered} answers; 'scalemai round {workspace}' goes on with them",
    )


@app.command()
def close(
    workspace: WorkspaceArgument,
    settings: SettingsOption = None,
    overrides: SetOption = None,
) -> None:
    """Take no more answers: the round goes on without those that are missing."""
    engine = _prepared(workspace, settings, overrides)
    missing = load("desk", "close_desk")(workspace, engine.review)
    say(f"closed with {missing} questions unanswered; run 'scalemai round {workspace}' to go on")


@app.command()
def stats(
    workspace: WorkspaceArgument,
    settings: SettingsOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Progress, pace, agreement of second reads, and who recognises gold."""
    engine = _prepared(workspace, settings, overrides)
    found = load("desk", "review_stats")(workspace, engine.review)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    progress = found.progress
    say(
        f"{progress.decided} of {progress.total} decided, {progress.open} open,"
        f" {progress.disputed} wait for an adjudicator"
    )
    say(f"Two readers answered alike: {_share(found.agreement)}")
    columns = ("reader", "answers", "skipped", "median_seconds", "honeypots")
    rows = [
        (one.reader, one.answers, one.skips, one.median_seconds, _share(one.honeypots))
        for one in found.readers
    ]
    print_table("Readers", columns, rows)


@app.command("export")
def export_items(
    workspace: WorkspaceArgument,
    folder: Annotated[Path, typer.Argument(help="New folder.")],
    reader: Annotated[str, typer.Option(help="For whom the items are held.")],
    count: Annotated[int, typer.Option(min=1, help="Items at most.")] = 20,
    settings: SettingsOption = None,
    overrides: SetOption = None,
) -> None:
    """Write items as NIfTI pairs for Slicer or ITK-SNAP."""
    engine = _prepared(workspace, settings, overrides)
    written = load("desk", "export_desk")(workspace, engine.review, reader, folder, count)
    say(f"{written} items in {folder}; edit mask.nii.gz, then 'scalemai review import'")


@app.command("import")
def import_items(
    workspace: WorkspaceArgument,
    folder: Annotated[Path, typer.Argument(help="Folder that 'scalemai review export' wrote.")],
    reader: Annotated[str, typer.Option(help="Whose answers these are.")],
    settings: SettingsOption = None,
    overrides: SetOption = None,
) -> None:
    """Take edited masks back; what cannot be taken is named with its reason."""
    engine = _prepared(workspace, settings, overrides)
    found = load("desk", "import_desk")(workspace, engine.review, reader, folder)
    say(f"{found.taken} answers taken, {found.before} before; {found.unchanged} masks unchanged")
    if found.refused:
        print_table("Refused", ("file", "reason"), found.refused)
        raise typer.Exit(1)


@app.command()
def answers(
    workspace: WorkspaceArgument,
    folder: Annotated[Path, typer.Argument(help="Where the files go.")],
    number: Annotated[int, typer.Option("--round", min=1, help="The round that asked.")],
) -> None:
    """Write every mask that readers drew or mended as DICOM SEG."""
    written = load("desk", "export_answers")(workspace, number, folder)
    say(f"{written} masks in {folder}")


def _share(found: Proportion | None) -> str:
    return f"{found.right} of {found.total}" if found and found.total else "none yet"


def _prepared(workspace: str, settings: str | None, overrides: list[str] | None) -> EngineSettings:
    """Prefect is found, and the settings: without a file those of the round that asks."""
    given = overrides or []
    engine = load_settings(settings, given)  # a mistake is told before Prefect is loaded
    prepare_prefect(Workspace.open(workspace))
    if settings is None:
        engine = load_settings(None, given, load("em_round", "begun_with")(workspace))
    return engine
