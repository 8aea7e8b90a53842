"""The pairs of ``orchestration.py``, in a process that knows its Prefect server from the start."""

from __future__ import annotations

import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prefect import Task
from processor import seconds_of
from tiny_population import SIZE, paint, store_model, stored_cases

import flows.expectation as stages
from flows.stages import Stage
from scalemai_core.records.grid import Grid
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.shard import ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.settings.file import parse_settings
from scalemai_core.store.versions.admission import admit, publish_admission
from scalemai_core.store.workspace import Workspace
from tasks.runtime import workers
from tasks.stage import plan_stage, stage_failures

SIZE_ZYX = (128, 192, 192)
SPACING_MM, NETWORK_MM = 1.5, 3.0
QUIET = 0.05
"""Processor seconds a second below which a server has nothing left to write down."""
PATIENCE = 30

Spent = tuple[float, float]
"""Processor seconds of this process, and of the server on its account."""


def grown(volume_zyx: NDArray[Any]) -> NDArray[Any]:
    """A tiny scan at the size of a real one."""
    for axis, size in enumerate(SIZE_ZYX):
        volume_zyx = volume_zyx.repeat(size // SIZE, axis)
    return volume_zyx


def prepare(url: str, seed: int, scans: int, shard_size: int) -> StageInputs:
    """Painted scans, a model that reads them, and the plan of a round."""

    def painter(seed: int, number: int) -> tuple[NDArray[Any], dict[Any, NDArray[Any]]]:
        image_zyx, labels = paint(seed, number)
        return grown(image_zyx), {layer: grown(one) for layer, one in labels.items()}

    grid = Grid.of(SIZE_ZYX, np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0]))
    store = Workspace.create(url, patient_key="painted")
    cases = list(stored_cases(store, seed, range(scans), painter, grid))
    version = publish_admission(store, admit(store, cases, gold=False), "painted scans")
    if version is None:
        raise RuntimeError("nothing was admitted")
    model = store_model(url, version)
    size = {"spacing_mm": NETWORK_MM, "patch_zyx": (64, 96, 96)}
    model = model.model_copy(update={"input": model.input.model_copy(update=size)})
    store.write_document(model.path, model)
    given = {
        "seed": seed,
        "compute": {"workers": 1, "threads": 1, "device": "cpu", "shard_size": shard_size},
        "predict": {"overlap": 0.25},
        # Among few scans every one is practised on, which takes long; among thousands few are.
        "expert": {"copies": 1},
    }
    settings = parse_settings(given)
    plan = RoundPlan(
        number=1,
        base_version=version.number,
        model_key=model.key,
        settings=settings,
        code_version="benchmark",
        started=datetime.now(UTC),
    )
    return StageInputs(workspace=url, plan=plan, version=version, model=model)


def begin_afresh(inputs: StageInputs) -> None:
    """Nothing of an earlier E-step is there."""
    for folder in ("rounds", "predictions"):
        shutil.rmtree(Path(inputs.workspace, folder), ignore_errors=True)
    Workspace.open(inputs.workspace).write_document("rounds/1/plan.json", inputs.plan)


def by_flow(inputs: StageInputs) -> None:
    """As a round does it."""
    with workers(inputs.plan.settings.compute) as runner:
        stages.expectation.with_options(task_runner=runner)(inputs)


def by_loop(inputs: StageInputs) -> None:
    """The same stages in the same order, each shard's function called in a loop."""
    tasks = {name: one for name, one in vars(stages).items() if isinstance(one, Task)}
    usual = {**tasks, "run_stage": stages.run_stage}
    plain = {**{name: one.fn for name, one in tasks.items()}, "run_stage": _loop}
    try:
        for name, function in plain.items():
            setattr(stages, name, function)
        stages.expectation.fn(inputs)
    finally:
        for name, function in usual.items():
            setattr(stages, name, function)


def _loop(name: str, work: Any, inputs: StageInputs, scans: tuple[str, ...], **more: Any) -> Stage:
    for shard in plan_stage.fn(name, inputs, scans):
        done: ShardSummary = work(inputs, shard, **more)
        if done.num_failed:
            raise RuntimeError(f"{done.num_failed} scans failed in {name}")
    failed = stage_failures(name, inputs)
    through = tuple(scan for scan in scans if scan not in failed)
    return Stage(name=name, inputs=inputs, scans=through, failed=failed)


def measure(inputs: StageInputs, server: int, *, flow: bool) -> Spent:
    """One E-step from nothing; the server's time counts until it is quiet."""
    begin_afresh(inputs)
    own, served = seconds_of(os.getpid()), seconds_of(server)
    (by_flow if flow else by_loop)(inputs)
    own = seconds_of(os.getpid()) - own
    if not flow:
        return own, 0.0
    _wait_until_quiet(server)
    return own, seconds_of(server) - served


def _wait_until_quiet(server: int) -> None:
    before = seconds_of(server)
    for _ in range(PATIENCE):
        time.sleep(1.0)
        now = seconds_of(server)
        if now - before < QUIET:
            return
        before = now


def print_pairs(pairs: list[tuple[Spent, Spent]], seed: int) -> None:
    """The median ratio with its interval, with the server and without."""
    rng = np.random.default_rng(seed)
    whole = [(sum(flow), sum(loop)) for flow, loop in pairs]
    for name, found in (("with the server", whole), ("without", [(f[0], b[0]) for f, b in pairs])):
        ratios = np.array([flow / loop for flow, loop in found])
        drawn = np.median(rng.choice(ratios, (10_000, len(ratios))), axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        print(
            f"flow / loop, {name}: {np.median(ratios):.3f} (95 % interval {low:.3f} to {high:.3f}),"
            f" median of {len(ratios)} pairs"
        )


def main() -> None:
    """Warm up, then play the pairs."""
    url, *numbers = sys.argv[1:]
    server, seed, scans, shard_size, count = map(int, numbers)
    inputs = prepare(url, seed, scans, shard_size)
    print(f"{scans} scans of {SIZE_ZYX}, {inputs.version.annotations} masks", flush=True)
    for flow in (True, False):  # code is compiled, and proposals' label maps are stored, but once
        measure(inputs, server, flow=flow)
    pairs: list[tuple[Spent, Spent]] = []
    for number in range(count):
        found = {
            flow: measure(inputs, server, flow=flow) for flow in (number % 2 > 0, not number % 2)
        }
        flow, loop = found[True], found[False]
        pairs.append((flow, loop))
        ratio = sum(flow) / sum(loop)
        print(
            f"pair {number + 1}: flow {flow[0]:.2f} s and server {flow[1]:.2f} s, "
            f"loop {loop[0]:.2f} s: {ratio:.3f}",
            flush=True,
        )
    print_pairs(pairs, seed)


if __name__ == "__main__":
    main()
