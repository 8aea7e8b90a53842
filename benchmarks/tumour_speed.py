"""Time to put one synthetic tumour into a training patch, by kind, size and voxel.

``OMP_NUM_THREADS=1 python benchmarks/tumour_speed.py [--seed N] [--repeats N] [--patch N]`` draws
tumours of every kind that the implant door has into a liver of noise and vessels that fills most of
a cubic patch, kinds interleaved. It checks of each that it lies in the organ, that nothing outside
changed, and that a second call gives the same bytes. Printed are the median CPU time, its share of
a budget of 50 ms, what came out of the diameter asked, and the mean drop in HU.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import ndimage

from scalemai_core.settings.tumours import TumourKind, TumourSettings
from scalemai_core.synthesize.tumour.implant import GENERATORS, implant
from scalemai_core.synthesize.tumour.order import Implant, TumourOrder

BUDGET_MS = 50.0
"""What a tumour of 20 mm may cost the feed."""
DIAMETERS_MM = (8.0, 16.0, 20.0, 32.0, 64.0)
SPACINGS_MM = (1.0, 1.5)
STRUCTURE = "liver_lesion"
PLAIN = TumourSettings()

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(slots=True)
class Timed:
    """What one kind did at one size and voxel."""

    seconds: list[float] = field(default_factory=list)
    diameters_mm: list[float] = field(default_factory=list)
    drops_hu: list[float] = field(default_factory=list)
    without_place: int = 0


def liver(size: int, rng: np.random.Generator) -> tuple[Image, Mask]:
    """A patch with an organ of 110 HU, bright tubes in it, fat around, and noise."""
    z, y, x = np.indices((size,) * 3) - size / 2.0
    organ = z**2 + y**2 + x**2 < (0.48 * size) ** 2
    tubes = ndimage.gaussian_filter(rng.standard_normal((size,) * 3), 3.0)
    vessels = np.abs(tubes) < 0.1 * tubes.std()
    clean = np.where(organ, 110.0 + 40.0 * vessels, -90.0)
    image = ndimage.gaussian_filter(clean, 0.7) + rng.normal(0.0, 12.0, clean.shape)
    return image.astype(np.float32), organ


def checked(
    image: Image, organ: Mask, order: TumourOrder, spacing_mm: float, made: Implant
) -> None:
    """Stop if a tumour leaves its organ, changes what is outside, or is not repeated."""
    again = implant(image, organ, spacing_mm, order, PLAIN)
    if again is None or again.image_zyx.tobytes() != made.image_zyx.tobytes():
        sys.exit(f"{order}: a second call gives another tumour")
    if (made.mask_zyx & ~organ).any() or (made.image_zyx != image)[~organ].any():
        sys.exit(f"{order}: something outside of the organ changed")


def timed(
    spacing_mm: float, diameter_mm: float, repeats: int, size: int, rng: np.random.Generator
) -> dict[TumourKind, Timed]:
    """All kinds in turn, each ``repeats`` times, in livers of their own."""
    found: dict[TumourKind, Timed] = {kind: Timed() for kind in GENERATORS}
    for number in range(repeats + 1):
        image, organ = liver(size, rng)
        for kind, result in found.items():
            order = TumourOrder(STRUCTURE, kind, diameter_mm, int(rng.integers(2**62)))
            started = time.process_time()
            made = implant(image, organ, spacing_mm, order, PLAIN)
            seconds = time.process_time() - started
            if number == 0:
                continue  # the first call pays imports and compilation
            if made is None:
                result.without_place += 1
                continue
            checked(image, organ, order, spacing_mm, made)
            result.seconds.append(seconds)
            volume_mm3 = np.count_nonzero(made.mask_zyx) * spacing_mm**3
            result.diameters_mm.append(float(np.cbrt(6.0 * volume_mm3 / np.pi)))
            result.drops_hu.append(float((image - made.image_zyx)[made.mask_zyx].mean()))
    return found


def row(spacing_mm: float, diameter_mm: float, kind: str, result: Timed) -> tuple[str, ...]:
    """One line of the table."""
    asked = (f"{spacing_mm:.1f} mm", f"{diameter_mm:.0f} mm", kind)
    if not result.seconds:
        return (*asked, "-", "-", "-", "-", str(result.without_place))
    median_ms = 1e3 * float(np.median(result.seconds))
    return (
        *asked,
        f"{median_ms:,.1f} ms",
        f"{median_ms / BUDGET_MS:.2f}x",
        f"{np.median(result.diameters_mm):.1f} mm",
        f"{np.mean(result.drops_hu):.0f} HU",
        str(result.without_place),
    )


def main() -> None:
    """Parse the command line, run all sizes, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--patch", type=int, default=96, help="voxels an edge")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    table = Table(title=f"one tumour in a patch of {options.patch}^3 voxels, median CPU time")
    for column in ("voxel", "asked", "kind", "time", "of 50 ms", "made", "drop", "no place"):
        table.add_column(column, justify="left" if column == "kind" else "right")
    for spacing_mm in SPACINGS_MM:
        for diameter_mm in DIAMETERS_MM:
            results = timed(spacing_mm, diameter_mm, options.repeats, options.patch, rng)
            for kind, result in results.items():
                table.add_row(*row(spacing_mm, diameter_mm, kind, result))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
