"""Surface Dice of 88 structures at their own tolerances: one walk a map against surface-distance.

``python benchmarks/gold_surface.py [--seed N] [--shape X Y Z] [--repeats N]`` makes a scan and two
readings of it, lets both arms take turns on one thread, checks that they agree to 0.01, and prints
CPU seconds and their ratio. The package gets each mask cropped to the box that holds both.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import surface_distance
from judgement_scan import BusyScan, make_scan, masks_of
from rich.console import Console
from rich.table import Table

from scalemai_core.measure.skin import surface_dice
from scalemai_core.records.label_map import Layer
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.taxonomy.tolerances import load_tolerances

AGREE = 0.01
SMALL = (60, 64, 64)
Values = dict[str, float]


def scalemai(scan: BusyScan) -> Values:
    """All structures of a layer at once."""
    taxonomy, spacing = load_taxonomy(), scan.grid.spacing_mm_zyx
    tolerance_mm = load_tolerances().by_id(taxonomy, spacing)
    values: Values = {}
    for layer in Layer:
        one, other = scan.current[layer], scan.prediction[layer]
        found = surface_dice(one, other, spacing, taxonomy.unions, tolerance_mm)
        values |= {each.name: float(found[each.id]) for each in taxonomy.in_layer(layer)}
    return {name: values[name] for name in scan.structures}


def package(scan: BusyScan) -> Values:
    """One structure after another, as its own documentation does it."""
    taxonomy, spacing = load_taxonomy(), scan.grid.spacing_mm_zyx
    tolerance_mm = load_tolerances().by_id(taxonomy, spacing)
    values: Values = {}
    for name, one, other in masks_of(scan, scan.structures, crop=True):
        distances = surface_distance.compute_surface_distances(one, other, spacing)
        values[name] = surface_distance.compute_surface_dice_at_tolerance(
            distances, float(tolerance_mm[taxonomy[name].id])
        )
    return values


ARMS: dict[str, Callable[[BusyScan], Values]] = {"ScaleMAI": scalemai, "surface-distance": package}


def main() -> None:
    """Parse the command line, let the arms take turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--shape", type=int, nargs=3, default=(256, 256, 160), metavar=tuple("XYZ"))
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # the package speaks of its own deprecated calls
    x, y, z = options.shape
    small, scan = make_scan(options.seed, SMALL), make_scan(options.seed, (z, y, x))
    seconds: dict[str, list[float]] = {name: [] for name in ARMS}
    values: dict[str, Values] = {}
    for arm in ARMS.values():
        arm(small)  # pays imports and compilation
    for _ in range(options.repeats):
        for name, arm in ARMS.items():
            started = time.process_time()
            values[name] = arm(scan)
            seconds[name].append(time.process_time() - started)
    ours, theirs = (values[name] for name in ARMS)
    difference = max(abs(ours[name] - theirs[name]) for name in theirs)
    table = Table(title=f"{len(theirs)} structures, {x} x {y} x {z} voxels, one thread")
    for column in ("arm", "CPU s", "times ours", "mean surface Dice"):
        table.add_column(column, justify="left" if column == "arm" else "right")
    for name in ARMS:
        ratio = min(seconds[name]) / min(seconds["ScaleMAI"])
        mean = float(np.mean(list(values[name].values())))
        table.add_row(name, f"{min(seconds[name]):.2f}", f"{ratio:.1f}x", f"{mean:.4f}")
    Console().print(table)
    print(f"largest difference of a structure: {difference:.4f}")
    if difference > AGREE:
        sys.exit("the arms differ")


if __name__ == "__main__":
    main()
