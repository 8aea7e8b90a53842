"""Commands about models: which there are, and which one consumers get."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.lazy import load
from flows.commands.options import JsonOption, SettingsOption, WorkspaceArgument
from flows.console import plain_rows, print_json, print_table, say
from scalemai_core.settings.file import load_settings

app = typer.Typer(help="Models: list them, or name the champion.")

_COLUMNS = ("version", "aliases", "round", "dataset_version", "mean_dice", "mean_nsd", "said_of_it")


@app.command("list")
def list_models(
    workspace: WorkspaceArgument, settings: SettingsOption = None, as_json: JsonOption = False
) -> None:
    """List registered versions, what gold said of them, and which the next round starts from."""
    found = load("models", "model_list")(workspace, load_settings(settings).tracking)
    if as_json:
        print_json(found)
        return
    print_table("Models", _COLUMNS, plain_rows(found, _COLUMNS))
    for model in found:
        for move in model["appointed"]:
            when = move["moved"][:16].replace("T", " ")
            line = f"{when}  version {move['version']} became champion ({move['by']}, "
            say(f"{line}{move['person']}): {move['reason']}")
    critics = [model["version"] for model in found if model["next_critic"]]
    if critics:
        say(f"The next round starts from version {critics[-1]}")


@app.command()
def promote(
    workspace: WorkspaceArgument,
    version: Annotated[int, typer.Argument(help="A registered version, older or newer.")],
    reason: Annotated[str, typer.Option(help="Why; kept for ever.")] = "no reason given",
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a registered version champion: to roll back, or to overrule gold.

    Consumers get it from now on, and the next round trains from it. Labels stay as they are.
    """
    tracking = load_settings(settings).tracking
    found = load("models", "promote_version")(workspace, tracking, version, reason)
    if as_json:
        print_json(found)
        return
    before = found["before"]
    instead = f" instead of {before}" if before not in (None, version) else ""
    say(f"Version {version} is champion{instead}; the next round starts from it")
    if found["unfinished_round"]:
        say(f"Round {found['unfinished_round']} is not finished and goes on with its own critic")
