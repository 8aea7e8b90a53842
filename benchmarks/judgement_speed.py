"""The whole judgement of one scan against MONAI's and DeepMind's surface metrics, on one core.

``python benchmarks/judgement_speed.py --seed 3 [--shape X Y Z]`` makes a scan with 88 structures
(see ``judgement_scan.py``), runs every arm in a process of its own on one thread, checks that the
numbers agree, and prints seconds, ratios and memory.

Ours is ``judge_scan`` and ``propose``: everything the engine asks of a scan. Theirs is the part of
it that they know: Dice, mean surface distance, HD95 and surface Dice at 2 mm of each structure, a
parent being the union with its parts. They get each structure cropped to its box, boxes found in
one pass. The arms "whole volumes" hand them whole masks, which they crop themselves; those take
minutes, hence a random sample of structures, scaled up by voxels (every mask has as many).

Seconds are CPU time of one thread, so that other work on the machine does not count; memory is the
peak of resident memory above what the process held with image and label maps loaded.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fresh_process import told
from judgement_scan import BusyScan, Mask, Numbers, load_scan, make_scan, masks_of, save_scan
from memory import memory_mb
from rich.console import Console
from rich.table import Table

NAMES = ("Dice", "surface_mm", "hd95_mm", "surface_dice")
TOLERANCE_MM = 2.0
NUM_WHOLE = 5
"""Structures of which an arm sees whole volumes."""

MAX_MONAI_DIFFERENCE = 1e-4
"""Same definitions, but float32. DeepMind's surface runs between voxels: it only comes close."""

Arm = Callable[[BusyScan], Numbers]


def scalemai(scan: BusyScan) -> Numbers:
    """Judgement and proposals, as the task does it."""
    from scalemai_core.judge.judgement import judge_scan  # noqa: PLC0415 - each arm its imports
    from scalemai_core.judge.repair import propose  # noqa: PLC0415
    from scalemai_core.records.decision import Candidate  # noqa: PLC0415
    from scalemai_core.settings.judgement import JudgeSettings  # noqa: PLC0415

    settings = JudgeSettings()
    judgements, findings = judge_scan(
        scan.record, scan.image_zyx, scan.current, scan.prediction, {}, settings
    )
    propose(scan.current, scan.prediction, findings[Candidate.CURRENT], scan.grid)
    return {
        judged.structure: (judged.dice, judged.surface_mm, judged.hd95_mm, judged.surface_dice)
        for judged in judgements
        if judged.surface_mm is not None
    }


def monai(scan: BusyScan, masks: Iterator[tuple[str, Mask, Mask]]) -> Numbers:
    """Four functions of ``monai.metrics``."""
    import torch  # noqa: PLC0415
    from monai.metrics.hausdorff_distance import compute_hausdorff_distance  # noqa: PLC0415
    from monai.metrics.meandice import compute_dice  # noqa: PLC0415
    from monai.metrics.surface_dice import compute_surface_dice  # noqa: PLC0415
    from monai.metrics.surface_distance import compute_average_surface_distance  # noqa: PLC0415

    torch.set_num_threads(1)
    spaced: dict[str, Any] = {"include_background": True, "spacing": scan.grid.spacing_mm_zyx}
    numbers: Numbers = {}
    for name, current, prediction in masks:
        y_pred, y = (torch.from_numpy(mask)[None, None] for mask in (prediction, current))
        numbers[name] = (
            float(compute_dice(y_pred, y, include_background=True)),
            float(compute_average_surface_distance(y_pred, y, symmetric=True, **spaced)),
            float(compute_hausdorff_distance(y_pred, y, percentile=95, **spaced)),
            float(compute_surface_dice(y_pred, y, [TOLERANCE_MM], **spaced)),
        )
    return numbers


def surface_distance(scan: BusyScan, masks: Iterator[tuple[str, Mask, Mask]]) -> Numbers:
    """DeepMind's package: distances once, then what is asked of them."""
    import surface_distance as deepmind  # noqa: PLC0415

    numbers: Numbers = {}
    for name, current, prediction in masks:
        distances = deepmind.compute_surface_distances(
            current, prediction, scan.grid.spacing_mm_zyx
        )
        areas = distances["surfel_areas_gt"].sum(), distances["surfel_areas_pred"].sum()
        means_mm = deepmind.compute_average_surface_distance(distances)
        numbers[name] = (
            float(deepmind.compute_dice_coefficient(current, prediction)),
            float(np.average(means_mm, weights=areas)),
            float(deepmind.compute_robust_hausdorff(distances, 95)),
            float(deepmind.compute_surface_dice_at_tolerance(distances, TOLERANCE_MM)),
        )
    return numbers


def cropped(arm: Callable[[BusyScan, Iterator[tuple[str, Mask, Mask]]], Numbers]) -> Arm:
    """All structures, each in its box."""
    return lambda scan: arm(scan, masks_of(scan, scan.structures, crop=True))


def whole(arm: Callable[[BusyScan, Iterator[tuple[str, Mask, Mask]]], Numbers]) -> Arm:
    """A sample of structures, as masks of the whole volume."""

    def run(scan: BusyScan) -> Numbers:
        rng = np.random.default_rng(0)
        sample = rng.choice(scan.structures, min(NUM_WHOLE, len(scan.structures)), replace=False)
        return arm(scan, masks_of(scan, sample.tolist(), crop=False))

    return run


ARMS: dict[str, tuple[Arm, int]] = {
    "scalemai, the whole judgement": (scalemai, 5),
    "MONAI": (cropped(monai), 2),
    "surface-distance": (cropped(surface_distance), 2),
    "MONAI, whole volumes": (whole(monai), 1),
    "surface-distance, whole volumes": (whole(surface_distance), 1),
}
"""What is compared, and how often each is timed (the best counts); ours comes first."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one arm found and cost."""

    seconds: float
    own_mb: float
    numbers: Numbers

    def seconds_for(self, num_structures: int) -> float:
        """Scaled up where only a sample was run."""
        return self.seconds * num_structures / len(self.numbers)

    def difference(self, other: Result) -> list[float]:
        """Largest difference of each number over the structures that both have."""
        mine, its = (
            np.array([side.numbers[name] for name in self.numbers], dtype=np.float64)
            for side in (self, other)
        )
        return np.abs(mine - its).max(axis=0).tolist()


def run_arm(name: str, folder: Path) -> None:
    """Time one arm in this process and print what it found as JSON."""
    warnings.simplefilter("ignore")  # the packages speak of their own deprecated calls
    arm, repeats = ARMS[name]
    arm(load_scan(folder / "small"))  # pays imports and compilation
    scan = load_scan(folder / "full")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
    before = memory_mb("VmRSS")
    seconds: list[float] = []
    numbers: Numbers = {}
    for _ in range(repeats):
        started = time.process_time()
        numbers = arm(scan)
        seconds.append(time.process_time() - started)
    print(json.dumps([min(seconds), memory_mb("VmHWM") - before, numbers]))


def measure(name: str, folder: Path) -> Result:
    """Run one arm in a fresh process on one thread."""
    command = [sys.executable, __file__, "--arm", name, "--folder", str(folder)]
    return Result(*told(name, command, 1))


def report(results: dict[str, Result], two_maps_mb: float) -> None:
    """Print the table; leaves with an error where MONAI's numbers are not ours."""
    ours, *others = results.values()
    num = len(ours.numbers)
    table = Table(title=f"{num} structures, one thread; differences are the largest from ours")
    for column in ("arm", "structures run", "CPU s", "times ours", "MB", "times two maps", *NAMES):
        table.add_column(column, justify="left" if column == "arm" else "right")
    for name, result in results.items():
        seconds = result.seconds_for(num)
        table.add_row(
            name,
            str(len(result.numbers)),
            f"{seconds:.2f}" + (" (scaled up)" if len(result.numbers) < num else ""),
            f"{seconds / ours.seconds:.1f}x",
            f"{result.own_mb:,.0f}",
            f"{result.own_mb / two_maps_mb:.2f}x",
            *(f"{value:.2g}" for value in result.difference(ours)),
        )
    Console(width=150).print(table)
    least = min(result.seconds_for(num) / ours.seconds for result in others)
    print(
        f"two label maps are {two_maps_mb:.0f} MB; the closest arm takes {least:.1f} times as long"
    )
    if max(results["MONAI"].difference(ours)) > MAX_MONAI_DIFFERENCE:
        sys.exit("MONAI's numbers and ours differ")


def main() -> None:
    """Parse the command line and run; ``--arm`` and ``--folder`` are for the child processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--shape", type=int, nargs=3, default=(512, 512, 300), metavar=tuple("XYZ"))
    parser.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm is not None:
        run_arm(options.arm, options.folder)
        return
    x, y, z = options.shape
    with tempfile.TemporaryDirectory() as folder:
        save_scan(make_scan(options.seed, (60, 64, 64)), Path(folder, "small"))
        save_scan(make_scan(options.seed, (z, y, x)), Path(folder, "full"))
        report({name: measure(name, Path(folder)) for name in ARMS}, 2 * x * y * z / 2**20)


if __name__ == "__main__":
    main()
