"""Label quality after three rounds at equal review budget: the engine against other policies.

    python benchmarks/label_quality.py FOLDER --seed 7 [--quick] [--no-gold]

One degraded phantom population, one first training; then every arm plays its own rounds on a copy
of the workspace. Dice is to the truth, over the masks that were labelled at the start.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import polars as pl
from arms import POLICIES
from prepared import engine_settings, prepare
from rounds import (
    decide_as_engine,
    decide_by,
    finish_round,
    judged_round,
    plan_round,
    stage,
    train,
)

from flows.demo import PHANTOMS
from scalemai_core.records.stage import StageInputs
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.store.workspace import Workspace
from scalemai_core.synthesize.faults import DegradeSettings
from scalemai_core.synthesize.population import write_population
from tasks.dataset import model_document
from tasks.round import revisable_scans
from tasks.truth import score_shard
from tasks.verdicts import VERDICTS

ENGINE, IN_SAMPLE = "engine", "in-sample critic"
ARMS = (ENGINE, IN_SAMPLE, *POLICIES)
GOOD, WORSE_BY = 0.8, 0.05


def main() -> None:
    """Prepare the population once, play every arm, print the table."""
    options = _options()
    logging.getLogger("scalemai").setLevel(logging.WARNING)
    base = options.folder / f"seed-{options.seed}{'-no-gold' if options.no_gold else ''}"
    settings = engine_settings(options.seed, options.steps)
    started = time.monotonic()
    _prepare(base, settings, options)
    print(f"population and first model: {(time.monotonic() - started) / 60:.1f} min", flush=True)
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        running = [
            pool.submit(play, arm, str(base), settings, options.rounds) for arm in options.arms
        ]
        for job in as_completed(running):
            print(job.result(), flush=True)
    table = pl.DataFrame([job.result() for job in running])
    table.write_csv(base / "label_quality.csv")
    _print(table, options)


def play(arm: str, base: str, settings: EngineSettings, rounds: int) -> dict[str, float | str]:
    """All rounds of one arm, and what they made of the labels."""
    logging.getLogger("scalemai").setLevel(logging.WARNING)
    started = time.monotonic()
    if arm == IN_SAMPLE:
        settings = settings.model_copy(
            update={
                "predict": settings.predict.model_copy(update={"out_of_fold": False}),
                "decide": settings.decide.model_copy(update={"trust_in_sample": True}),
            }
        )
    workspace = f"{base}/{arm.replace(' ', '-')}"
    truth = f"{base}/phantoms/truth"
    if not Path(workspace).exists():
        shutil.copytree(f"{base}/workspace", workspace)
    store = Workspace.open(workspace)
    plan = plan_round(workspace, 1, settings)
    first = last = store.catalog.version(plan.base_version)
    (shared,) = store.files.names("models")  # trained before the arms parted
    critic = model_document(store, shared)
    inputs = StageInputs(workspace=workspace, plan=plan, version=first, model=critic)
    for number in range(1, rounds + 1):
        plan = plan_round(workspace, number, settings)
        inputs = StageInputs(workspace=workspace, plan=plan, version=last, model=critic)
        table = judged_round(inputs)
        if arm in POLICIES:
            decide_by(POLICIES[arm], inputs, table)
        else:
            decide_as_engine(inputs, table)
        last = finish_round(inputs, truth)
        if number < rounds:
            critic = train(workspace, plan, last, critic)
    start = inputs.model_copy(update={"version": first})
    scores = stage("score", score_shard, start, revisable_scans(start), after=last, truth=truth)
    verdicts = pl.concat([store.round(n).read(VERDICTS) for n in range(1, rounds + 1)])
    measured = _measure(scores, verdicts)
    return {"arm": arm, **measured, "cpu_min": round((time.monotonic() - started) / 60, 1)}


def _measure(scores: pl.DataFrame, verdicts: pl.DataFrame) -> dict[str, float]:
    """Numbers over the masks that were labelled at the start."""
    seen = verdicts.select("scan_id", "structure").unique().with_columns(seen=pl.lit(value=True))
    rows = scores.filter("known_before").join(seen, on=["scan_id", "structure"], how="left")
    before, after = pl.col("dice_before"), pl.col("dice_after")
    faulty, good = before < GOOD, before >= GOOD
    alone = pl.when(pl.col("seen")).then(before).otherwise(after)
    worse = pl.col("seen").is_null() & (after < before - WORSE_BY)
    numbers = rows.select(
        masks=pl.len(),
        dice_before=before.mean(),
        dice_after=after.mean(),
        dice_automatic=alone.mean(),
        under_80=(after < GOOD).mean(),
        corrected=(faulty & (after >= GOOD)).sum() / faulty.sum(),
        held=pl.col("held").mean(),
        good_made_worse=(good & worse).sum() / good.sum(),
        opened=pl.col("seen").sum() / pl.len(),
    ).row(0, named=True)
    return {**numbers, "minutes": float(verdicts["seconds"].sum()) / 60}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path, help="where the workspaces go")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patients", type=int, default=40)
    parser.add_argument("--gold", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1600, help="of the first training")
    parser.add_argument("--jobs", type=int, default=2, help="arms played side by side")
    parser.add_argument("--no-gold", action="store_true")
    parser.add_argument("--quick", action="store_true", help="small, for a look at whether it runs")
    parser.add_argument("--arms", nargs="+", default=ARMS, choices=ARMS)
    options = parser.parse_args()
    if options.quick:
        options.patients, options.gold, options.steps, options.rounds = 10, 9, 80, 1
    return options


def _prepare(base: Path, settings: EngineSettings, options: argparse.Namespace) -> None:
    """Phantoms, a workspace that holds them, and the first model: what all arms share."""

    def write(folder: Path, indices: range, degrade: DegradeSettings | None) -> None:
        write_population(
            folder,
            seed=options.seed,
            count=len(indices),
            start=indices.start,
            settings=PHANTOMS,
            degrade=degrade,
        )

    gold = 0 if options.no_gold else options.gold
    prepare(base, settings, write, patients=options.patients, gold=gold)


def _print(table: pl.DataFrame, options: argparse.Namespace) -> None:
    gold = "without gold" if options.no_gold else f"{options.gold} gold patients"
    print(f"\nseed {options.seed}, {options.patients} patients, {gold}, {options.rounds} rounds")
    columns = [name for name in table.columns if name != "arm"]
    print("| arm | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for row in table.iter_rows(named=True):
        cells = [f"{row[name]:.4g}" for name in columns]
        print(f"| {row['arm']} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
