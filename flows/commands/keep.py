"""Commands that keep a workspace: is it whole, what may go, who works on it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from flows.commands.options import JsonOption, WorkspaceArgument
from flows.console import print_json, print_table, say
from scalemai_core.errors import UsageError
from scalemai_core.records.claim import Claim
from scalemai_core.records.verification import Verification
from scalemai_core.store.documents.claim import INGEST, ROUND
from scalemai_core.store.keeping.collect import (
    Collection,
    CollectSettings,
    collect,
    plan_collection,
)
from scalemai_core.store.keeping.verify import verify as look_at
from scalemai_core.store.workspace import Workspace

app = typer.Typer()

SHOWN = 50
"""Damaged objects in a table on a terminal; JSON has all."""
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
STEP = 1024


@app.command()
def verify(
    workspace: WorkspaceArgument,
    every: Annotated[bool, typer.Option("--all", help="All versions, not the last.")] = False,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Read so many objects of a kind, drawn anew.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Objects read at the same time.")] = 4,
    as_json: JsonOption = False,
) -> None:
    """Find missing, torn and altered objects; ends with code 1 where there is one."""
    store = Workspace.open(workspace)
    found = look_at(store, every=every, sample=sample, threads=threads)
    if as_json:
        print_json(found.model_dump(mode="json") | {"whole": found.whole})
    else:
        _tell(found)
        for kind, number in found.unreferenced.items():
            if number and every:
                say(f"{number} {kind} that nothing refers to: see 'scalemai gc {workspace}'")
    if not found.whole:
        raise typer.Exit(1)


def _tell(found: Verification) -> None:
    read = [(kind, number, found.read.get(kind, 0)) for kind, number in found.expected.items()]
    print_table("Objects", ("kind", "looked for", "read"), read)
    rows = [(one.fault.value, one.path, one.wanted_by, one.detail) for one in found.damages]
    print_table("Damaged objects", ("fault", "object", "wanted by", "seen"), rows[:SHOWN])
    if len(rows) > SHOWN:
        say(f"... and {len(rows) - SHOWN} more: --json lists them all")
    for kind, remedy in sorted({(one.kind, one.remedy) for one in found.damages}):
        say(f"What to do about a {kind}: {remedy}")
    several = "objects are" if len(rows) > 1 else "object is"
    say(f"{len(rows)} {several} damaged" if rows else "everything is whole")


@app.command()
def gc(
    workspace: WorkspaceArgument,
    delete: Annotated[bool, typer.Option("--delete", help="Remove it; else only told.")] = False,
    keep_versions: Annotated[
        int | None,
        typer.Option(min=1, help="Newest dataset versions to keep beside pinned ones; else all."),
    ] = None,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Also predictions of finished rounds.")
    ] = False,
    grace_hours: Annotated[
        float, typer.Option(min=0, help="Nothing younger goes: an ingestion may be under way.")
    ] = 24.0,
    as_json: JsonOption = False,
) -> None:
    """Tell what nothing refers to any more and how much it takes; with --delete, remove it."""
    store = Workspace.open(workspace)
    settings = CollectSettings(
        keep_versions=keep_versions,
        predictions=predictions,
        grace=timedelta(hours=grace_hours),
    )
    found = collect(store, settings) if delete else plan_collection(store, settings)
    if as_json:
        print_json(_document(found, deleted=delete))
        return
    rows = [(kind, number, _size(size)) for kind, number, size in found.summary()]
    print_table("Removed" if delete else "Would be removed", ("kind", "number", "size"), rows)
    if found.dropped:
        numbers = ", ".join(str(version.number) for version in found.dropped)
        say(f"Dataset versions {'dropped' if delete else 'to be dropped'}: {numbers}")
    if not rows and not found.dropped:
        say("nothing to remove")
    elif not delete:
        say("Nothing was removed: add --delete")


@app.command()
def claim(
    workspace: WorkspaceArgument,
    release: Annotated[
        bool, typer.Option("--release", help="Take it from them: they stop before they commit.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Tell who plays a round or takes scans in; --release frees it from one who is gone."""
    store = Workspace.open(workspace)
    rooms = [store.claims(what) for what in (ROUND, INGEST)]
    held = [one for room in rooms if (one := room.holder()) is not None]
    if release:
        if not held:
            raise UsageError(f"{workspace} is free: nobody plays a round or takes scans in")
        for room in rooms:
            room.dismiss()
    if as_json:
        print_json([one.model_dump(mode="json") for one in held])
        return
    for one in held:
        say(_holder(one))
    if not held:
        say("free: nobody plays a round or takes scans in")
    elif release:
        say("released: whoever still works stops before anything is committed")


def _holder(one: Claim) -> str:
    return (
        f"{one.holder}: {one.person} on {one.host}, process {one.pid}, since "
        f"{one.started:%Y-%m-%d %H:%M:%S} UTC, until {one.expires:%H:%M:%S} UTC unless renewed"
    )


def _document(found: Collection, *, deleted: bool) -> dict[str, object]:
    return {
        "deleted": deleted,
        "dropped_versions": [version.number for version in found.dropped],
        "kinds": [
            {"kind": kind, "number": number, "bytes": size}
            for kind, number, size in found.summary()
        ],
        "paths": [path for one in found.garbage for path in one.paths],
    }


def _size(num_bytes: float) -> str:
    for unit in UNITS[:-1]:
        if num_bytes < STEP:
            return f"{num_bytes:.0f} {unit}" if unit == "B" else f"{num_bytes:.1f} {unit}"
        num_bytes /= STEP
    return f"{num_bytes:.1f} {UNITS[-1]}"
