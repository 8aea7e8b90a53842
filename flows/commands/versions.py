"""Commands about dataset versions: which there are, what changed, which stay for ever."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from flows.commands.options import JsonOption, WorkspaceArgument
from flows.console import answer, plain_rows, print_json, print_table
from scalemai_core.errors import UsageError
from scalemai_core.store.workspace import Workspace

app = typer.Typer()


@app.command()
def versions(
    workspace: WorkspaceArgument,
    action: Annotated[Literal["list", "diff", "pin", "unpin"], typer.Argument()] = "list",
    number: Annotated[int | None, typer.Argument(metavar="[A]")] = None,
    other: Annotated[str | None, typer.Argument(metavar="[B|NAME]")] = None,
    as_json: JsonOption = False,
) -> None:
    """List dataset versions, tell what changed from A to B, or pin A so that it stays for ever."""
    store = Workspace.open(workspace)
    if action == "list":
        _list(store, as_json=as_json)
    elif action == "diff":
        _diff(store, number, other, as_json=as_json)
    elif number is None:
        raise UsageError(f"versions {action} takes a version number")
    elif action == "pin":
        _pin(store, number, other or "", as_json=as_json)
    else:
        store.pins.unpin(number)
        document = {"number": number, "pinned": False}
        answer(as_json=as_json, document=document, line=f"dataset version {number} is not pinned")


def _list(store: Workspace, *, as_json: bool) -> None:
    pins, dropped = store.pins.read(), {one.number for one in store.dropped.read()}

    def kept(number: int) -> str:
        if number in dropped:
            return "dropped"
        return f"pinned {pins[number].name}".rstrip() if number in pins else ""

    found: list[dict[str, Any]] = [
        {**version.model_dump(mode="json"), "kept": kept(version.number)}
        for version in store.catalog.versions()
    ]
    if as_json:
        print_json(found)
        return
    columns = ("number", "round", "scans", "annotations", "changed", "created", "digest")
    shown = (*columns, "kept") if pins or dropped else columns
    print_table("Dataset versions", shown, plain_rows(found, shown))


def _diff(store: Workspace, older: int | None, newer: str | None, *, as_json: bool) -> None:
    if older is None or newer is None or not newer.isdigit() or older >= int(newer):
        raise UsageError("versions diff takes two version numbers, the older first")
    catalog = store.catalog
    changes = catalog.changes(catalog.version(older), catalog.version(int(newer)))
    if as_json:
        print_json(changes.to_dicts())
        return
    by = ["structure", "before", "after", "origin", "origin_name", "reason"]
    counted = changes.group_by(by).len("masks").sort("masks", "structure", descending=[True, False])
    title = f"Version {older} to {newer}: {changes.height} masks"
    print_table(title, counted.columns, counted.rows())


def _pin(store: Workspace, number: int, name: str, *, as_json: bool) -> None:
    store.catalog.version(number)
    if number in {one.number for one in store.dropped.read()}:
        raise UsageError(f"dataset version {number} was dropped by 'scalemai gc': it is gone")
    pin = store.pins.pin(number, name)
    line = f"dataset version {number} stays, whatever 'scalemai gc' is told"
    answer(as_json=as_json, document=pin.model_dump(mode="json"), line=line)
