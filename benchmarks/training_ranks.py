"""Training on two processes against one, at the same total batch.

``python benchmarks/training_ranks.py [--seed N] [--steps N] [--repeats N]`` writes painted scans
into a workspace and trains one network by one process and by two, a thread and a core each, the
arms taking turns. It prints patches a second (start-up left out), the ratio, how busy the machine
was otherwise, and how far apart losses and weights are after the same samples. Everything is
float32, so that what differs is the order of sums.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.train.launch import launch_training
from scalemai_core.learn.weights import load_weights
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import Layer
from scalemai_core.records.progress import TrainingProgress
from scalemai_core.records.training import TrainingCase, TrainingPlan
from scalemai_core.settings.engine import ComputeSettings
from scalemai_core.settings.learning import InputSettings, NetworkSettings, TrainSettings
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

SCANS, SHAPE_ZYX, STRUCTURES = 6, (96, 112, 112), 20
AGREEMENT = 1e-4


@dataclass(frozen=True, slots=True)
class Run:
    """One training."""

    patches_per_second: float
    waiting: float
    """Share of the time without a patch to work on."""
    others: float
    """Cores that others kept busy meanwhile."""
    loss: float
    weights: dict[str, NDArray[np.float32]]


def paint_cases(workspace: Workspace, rng: np.random.Generator) -> tuple[TrainingCase, ...]:
    """Scans of bright balls, a structure each; what one scan of two knows, the other does not."""
    structures = load_taxonomy().in_layer(Layer.ANATOMY)[:STRUCTURES]
    grid = Grid.of(SHAPE_ZYX, np.diag([1.5, 1.5, 1.5, 1.0]))
    place = np.indices(SHAPE_ZYX, dtype=np.float32)
    cases: list[TrainingCase] = []
    for number in range(SCANS):
        image_zyx = rng.normal(-100, 20, SHAPE_ZYX).astype(np.int16)
        labels_zyx = np.zeros(SHAPE_ZYX, dtype=np.uint8)
        for index, structure in enumerate(structures):
            middle = rng.uniform(0.15, 0.85, 3) * SHAPE_ZYX
            distance = np.sqrt(((place - middle[:, None, None, None]) ** 2).sum(axis=0))
            ball = distance < rng.uniform(6, 14)
            image_zyx[ball] = -80 + 15 * index
            labels_zyx[ball] = structure.id
        scan_id = workspace.scans.write(image_zyx, grid, {})
        label_map = workspace.labels.write(labels_zyx, scan_id, Layer.ANATOMY, grid)
        workspace.label_index.write(label_map, Layer.ANATOMY, grid)
        unknown = tuple(s.name for s in structures[: STRUCTURES // 3]) if number % 2 else ()
        cases.append(
            TrainingCase(
                scan_id=scan_id,
                patient=str(number),
                grid=grid,
                label_maps={Layer.ANATOMY: label_map},
                unknown=unknown,
            )
        )
    return tuple(cases)


def make_plan(workspace: Workspace, seed: int, steps: int) -> TrainingPlan:
    """A laptop's network, float32."""
    taxonomy = load_taxonomy()
    names = [structure.name for structure in taxonomy.in_layer(Layer.ANATOMY)[:STRUCTURES]]
    return TrainingPlan(
        workspace=workspace.url,
        key="",
        fold=0,
        cases=paint_cases(workspace, np.random.default_rng(seed)),
        channels=Channels.of(names, taxonomy).names,
        network=NetworkSettings(width=16, levels=4, stem_stride=2),
        input=InputSettings(patch_zyx=(64, 64, 64)),
        train=TrainSettings(steps=steps, batch=4, mixed=False),
        seed=seed,
        device="cpu",
        threads=1,
    )


def busy_seconds() -> float:
    """Core seconds that this machine has worked."""
    with open("/proc/stat", encoding="ascii") as file:  # noqa: PTH123 - no document
        user, nice, system = map(int, file.readline().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def measure(workspace: Workspace, plan: TrainingPlan, processes: int, cores: list[int]) -> Run:
    """One training on as many cores as processes; the clock runs from the first report on."""
    told: list[tuple[float, float, TrainingProgress]] = []
    os.sched_setaffinity(0, cores[:processes])  # what is started inherits it
    launch_training(
        plan,
        ComputeSettings(train_processes=processes),
        lambda progress: told.append((time.perf_counter(), busy_seconds(), progress)),
    )
    os.sched_setaffinity(0, cores)
    (started, worked, first), (ended, worked_at_end, last) = told[0], told[-1]
    if last.step == first.step:
        sys.exit("too few steps to measure: give more with --steps")
    seconds = ended - started
    tensors = load_weights(workspace.files, plan.weights).tensors
    return Run(
        patches_per_second=(last.step - first.step) * plan.train.batch / seconds,
        waiting=last.waiting,
        others=max(0.0, (worked_at_end - worked) / seconds - processes),
        loss=last.loss,
        weights={name: tensor.numpy() for name, tensor in tensors.items()},
    )


def print_runs(one: list[Run], two: list[Run]) -> None:
    """A row a pair of runs, and what they agree on."""
    table = Table(title="training by one process and by two, a core each, same total batch")
    for column in ("one", "two", "ratio", "waiting one / two", "cores busy otherwise"):
        table.add_column(column, justify="right")
    ratios = [b.patches_per_second / a.patches_per_second for a, b in zip(one, two, strict=True)]
    for a, b, ratio in zip(one, two, ratios, strict=True):
        table.add_row(
            f"{a.patches_per_second:.2f}/s",
            f"{b.patches_per_second:.2f}/s",
            f"{ratio:.2f}x",
            f"{a.waiting:.0%} / {b.waiting:.0%}",
            f"{a.others:.1f} / {b.others:.1f}",
        )
    Console(width=110).print(table)
    print(f"speed-up {median(ratios):.2f}x (median of {len(ratios)})")
    check_agreement(one[0], two[0])


def check_agreement(one: Run, two: Run) -> None:
    """Loss and all weights as one vector; a single weight may move more, where a ReLU flips."""
    a, b = (np.concatenate([run.weights[n].ravel() for n in one.weights]) for run in (one, two))
    loss = abs(one.loss - two.loss)
    spread = float(np.sqrt(np.mean((a - b) ** 2)))
    print(
        f"after the same samples: loss differs by {loss:.1e}, weights by {spread:.1e} "
        f"(root mean square), {np.mean(np.abs(a - b) < AGREEMENT):.3%} of them by less than "
        f"{AGREEMENT:g}, one by {np.abs(a - b).max():.1e}"
    )
    if max(loss, spread) > AGREEMENT:
        sys.exit(f"one process and two differ by more than {AGREEMENT:g}")


def main() -> None:
    """Parse the command line, train in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:  # noqa: PLR2004 - one a process
        sys.exit("this needs two cores")
    runs: dict[int, list[Run]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory(prefix="scalemai-ranks-") as folder:
        workspace = Workspace.create(folder)
        plan = make_plan(workspace, options.seed, options.steps)
        for repeat in range(options.repeats):
            for processes, done in runs.items():
                own = plan.model_copy(update={"key": f"{processes}-{repeat}"})
                done.append(measure(workspace, own, processes, cores))
    print_runs(runs[1], runs[2])


if __name__ == "__main__":
    main()
