"""How large the automaton's tumours are after how many steps, beside the reference, and how fast.

Tissue of one kind, cells of 1 mm, one core; mean over seeds of the diameter of the sphere of all
populated cells. The last row tells how long one run of all steps took.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from rich.console import Console
from rich.table import Table

from scalemai_core.synthesize.tumour.calibration import DIAMETERS_MM, STEPS
from scalemai_core.synthesize.tumour.growth import CHANCES, Growth

SIZE = 121
TOLERANCE = 0.15


def measure(level: int, seed: int) -> tuple[list[float], float]:
    """Diameters in mm after each of ``STEPS``, and seconds for the run."""
    levels_zyx = np.full((SIZE, SIZE, SIZE), level, np.uint8)
    start = time.perf_counter()
    growth = Growth(levels_zyx, np.full((1, 3), SIZE // 2), seed)
    diameters_mm: list[float] = []
    for step in STEPS:
        growth.grow(step - growth.num_steps)
        diameters_mm.append(float(np.cbrt(6.0 * growth.num_cells / np.pi)))
    return diameters_mm, time.perf_counter() - start


def main() -> None:
    """Print the table; ends with 1 where a diameter is further than the tolerance off."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    first_call = measure(0, options.seed)[1]
    table = Table(title=f"Diameter, mm: mean of {options.runs} runs, {SIZE}^3 cells, 1 thread")
    for column in ("chance to invade", "steps", "reference", "found", "spread", "ratio"):
        table.add_column(column, justify="right")
    worst, seconds = 0.0, dict.fromkeys(CHANCES, 0.0)
    for level, chance in enumerate(CHANCES):
        runs = [measure(level, options.seed + run) for run in range(options.runs)]
        seconds[chance] = float(np.median([run[1] for run in runs]))
        found_mm = np.array([run[0] for run in runs])
        mean_mm, spread_mm = found_mm.mean(axis=0), found_mm.std(axis=0)
        for index, (step, wanted_mm) in enumerate(zip(STEPS, DIAMETERS_MM[chance], strict=True)):
            ratio = float(mean_mm[index]) / wanted_mm
            worst = max(worst, abs(ratio - 1.0))
            numbers = (wanted_mm, mean_mm[index], spread_mm[index])
            cells = (f"{chance:g}", str(step), *(f"{number:.1f}" for number in numbers))
            table.add_row(*cells, f"{ratio:.3f}", end_section=step == STEPS[-1])
    Console(width=90).print(table)
    for chance, taken in seconds.items():
        print(f"chance {chance:g}: {STEPS[-1]} steps in {taken:.3f} s (median)")
    print(f"first run, compiling or reading compiled code: {first_call:.2f} s")
    print(f"largest deviation from the reference: {100 * worst:.1f} %")
    if worst > TOLERANCE:
        sys.exit(f"more than {100 * TOLERANCE:.0f} % off")


if __name__ == "__main__":
    main()
