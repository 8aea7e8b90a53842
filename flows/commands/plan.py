"""The command that reckons: what a round over so many scans takes."""

from __future__ import annotations

import os
from math import prod
from typing import Annotated

import typer

from flows.commands.lazy import load
from flows.commands.options import JsonOption, SetOption, SettingsOption, WorkspaceArgument
from flows.console import print_json, print_table, say
from scalemai_core.errors import UsageError
from scalemai_core.records.forecast import ASSUMED, Forecast, Site
from scalemai_core.records.pace import in_words
from scalemai_core.settings.file import load_settings

app = typer.Typer()

HOUR = 3600
TERA = 1024.0


@app.command()
def plan(
    workspace: WorkspaceArgument,
    scans: Annotated[
        int | None, typer.Option(min=1, help="So many scans; else those of the workspace.")
    ] = None,
    voxels: Annotated[
        tuple[int, int, int] | None,
        typer.Option(help="Of one scan, as in 512 512 300; else the workspace's mean."),
    ] = None,
    gpus: Annotated[int, typer.Option(min=0, help="0: cores do everything.")] = 0,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Else those of this machine, or 12 a GPU.")
    ] = None,
    people: Annotated[int, typer.Option(min=1, help="Readers at the same time.")] = 2,
    hours_a_day: Annotated[float, typer.Option(min=0.1, max=24, help="Each of them reads.")] = 6.0,
    store_mib_s: Annotated[
        float, typer.Option(min=1, help="What the store delivers to all workers together, MiB/s.")
    ] = 500.0,
    seed: Annotated[int, typer.Option(help="Of the scans' lengths.")] = 0,
    settings: SettingsOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reckon what a round takes: shards, GPU and processor hours, storage, people, time left."""
    if voxels is not None and min(voxels) < 1:
        raise UsageError("--voxels takes three numbers of at least 1")
    engine = load_settings(settings, overrides or [])
    site = Site(
        gpus=gpus,
        cores=cores or (12 * gpus or os.cpu_count() or 1),
        people=people,
        hours_a_day=hours_a_day,
        store_mib_s=store_mib_s,
        shard_size=engine.compute.shard_size,
    )
    wanted = load("forecast", "Wanted")(scans=scans, voxels=prod(voxels) if voxels else None)
    found: Forecast = load("forecast", "forecast")(workspace, engine, wanted, site, seed)
    if found.work.scans < 1:
        raise UsageError(f"{workspace} holds no scans: say how many with --scans")
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        _tell(found)


def _tell(found: Forecast) -> None:
    work, site = found.work, found.site
    title = f"A round over {work.scans:,} scans of {work.voxels / 1e6:.1f} million voxels"
    costs = [
        [
            stage.stage,
            f"{stage.scans:,}",
            f"{stage.shards:,}",
            f"{stage.gpu_hours:,.1f}",
            f"{stage.core_hours:,.1f}",
            f"{stage.gib:,.0f}",
            stage.source,
        ]
        for stage in found.stages
    ]
    header = ("stage", "scans", "shards", "GPU h", "core h", "GiB moved", "rate")
    print_table(title, header, costs)
    times = [
        [stage.stage, in_words(stage.hours * HOUR), in_words(stage.hours_left * HOUR), stage.limit]
        for stage in found.stages
    ]
    print_table("On the clock", ("stage", "time", "left", "waits for"), times)
    stored = [[what, _amount(gib)] for what, gib in found.storage_gib.items()]
    print_table("In the store", ("what", "size"), stored)
    say(
        f"On {site.gpus} GPUs, {site.cores} cores, a store of {site.store_mib_s:g} MiB/s and "
        f"{site.people} readers of {site.hours_a_day:g} hours a day:"
    )
    say(
        f"{found.gpu_hours:,.1f} GPU hours, {found.core_hours:,.1f} processor hours, "
        f"{found.review_hours:,.1f} hours of people; {in_words(found.hours * HOUR)} in all, "
        f"{in_words(found.hours_left * HOUR)} left, mostly waiting for {found.limit}"
    )
    if any(stage.source == ASSUMED for stage in found.stages):
        say(
            f"Rates marked '{ASSUMED}' were never measured here: orders of magnitude "
            "(docs/round.md). A round on a part of the scans measures them."
        )


def _amount(gib: float) -> str:
    return f"{gib / TERA:,.1f} TiB" if gib >= TERA else f"{gib:,.1f} GiB"
