"""Dice of 88 structures between two label maps: one joint histogram against MONAI and bincount.

``python benchmarks/agreement.py [--seed N] [--shape Z Y X]`` makes two pairs of label maps, runs
every arm in its own process on one thread, checks that all agree to 1e-6, and prints time and peak
memory. The one-hot arm needs about 12 GB at the default shape.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from fresh_process import told
from memory import memory_mb
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

NUM_STRUCTURES = 88
Labels = NDArray[np.uint8]
Dice = NDArray[np.float64]


def scalemai(a: Labels, b: Labels) -> Dice:
    """One compiled pass over both maps."""
    from scalemai_core.measure.overlap import Overlap  # noqa: PLC0415 - each arm pays its imports

    unions = np.eye(NUM_STRUCTURES + 1, dtype=np.bool_)
    return Overlap.of_maps(a, b, unions).dice[1:]


def bincount(a: Labels, b: Labels) -> Dice:
    """The joint histogram as NumPy alone counts it."""
    num = NUM_STRUCTURES + 1
    pairs = a.ravel().astype(np.intp) * num + b.ravel()
    shared = np.bincount(pairs, minlength=num * num).reshape(num, num)
    total = (shared.sum(axis=0) + shared.sum(axis=1)).astype(np.float64)
    total[total == 0] = np.nan
    return (2.0 * np.diagonal(shared) / total)[1:]


def monai_one_hot(a: Labels, b: Labels) -> Dice:
    """As MONAI's tutorials do it: both maps one-hot, then DiceMetric."""
    import torch  # noqa: PLC0415
    from monai.metrics.meandice import DiceMetric  # noqa: PLC0415
    from monai.networks.utils import one_hot  # noqa: PLC0415

    channels = [
        one_hot(torch.from_numpy(labels)[None, None], NUM_STRUCTURES + 1) for labels in (b, a)
    ]
    return _monai(DiceMetric(include_background=False, reduction="none"), *channels)


def monai_indices(a: Labels, b: Labels) -> Dice:
    """MONAI's leaner way: DiceMetric on class indices, one comparison per class."""
    import torch  # noqa: PLC0415
    from monai.metrics.meandice import DiceMetric  # noqa: PLC0415

    metric = DiceMetric(include_background=False, reduction="none", num_classes=NUM_STRUCTURES + 1)
    return _monai(metric, *(torch.from_numpy(labels)[None, None] for labels in (b, a)))


def _monai(metric: Any, prediction: Any, truth: Any) -> Dice:
    metric(y_pred=prediction, y=truth)
    return metric.aggregate().numpy().astype(np.float64)[0]


ARMS: dict[str, tuple[Callable[[Labels, Labels], Dice], int]] = {
    "scalemai": (scalemai, 15),
    "numpy.bincount": (bincount, 3),
    "MONAI, class indices": (monai_indices, 1),
    "MONAI, one-hot": (monai_one_hot, 1),
}
"""What is compared, and how often each is timed (the best counts)."""


def organs(shape_zyx: tuple[int, int, int], rng: np.random.Generator) -> tuple[Labels, Labels]:
    """Two readings of 88 blobs with wavy borders: Voronoi cells, the second pushed by 2 voxels."""
    from scipy.ndimage import zoom  # noqa: PLC0415
    from scipy.spatial import KDTree  # noqa: PLC0415

    size = np.array(shape_zyx)
    coarse = np.maximum(size // 16, 2)
    seeds = KDTree(rng.uniform(0.1, 0.9, (NUM_STRUCTURES, 3)) * size)

    def waves(amplitude: float) -> NDArray[np.float32]:
        fields = [rng.normal(0, amplitude, coarse).astype(np.float32) for _ in range(3)]
        return np.array([zoom(f, size / coarse, order=1) for f in fields], dtype=np.float32)

    place = np.indices(shape_zyx, dtype=np.float32) + waves(4.0)
    maps: list[Labels] = []
    for moved in (place, place + waves(2.0)):
        distance, nearest = seeds.query(moved.reshape(3, -1).T)
        # Half the volume is background, as air and soft tissue without a name are in CT.
        named = distance < np.median(distance)
        maps.append(np.where(named, nearest + 1, 0).astype(np.uint8).reshape(shape_zyx))
    return maps[0], maps[1]


def noise(shape_zyx: tuple[int, int, int], rng: np.random.Generator) -> tuple[Labels, Labels]:
    """The worst case: every voxel drawn for itself."""
    a, b = rng.integers(0, NUM_STRUCTURES + 1, (2, *shape_zyx), dtype=np.uint8)
    return a, b


def run_arm(name: str, folder: Path) -> None:
    """Time one arm in this process and print what it found as JSON."""
    arm, repeats = ARMS[name]
    a, b = (np.load(folder / f"{side}.npy") for side in "ab")
    started = time.perf_counter()
    # The first call pays imports and compilation on maps too small to matter.
    arm(a[:2, :8, :8].copy(), b[:2, :8, :8].copy())
    warm_up = time.perf_counter() - started
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
    before = memory_mb("VmRSS")
    seconds: list[float] = []
    dice = np.zeros(0)
    for _ in range(repeats):
        started = time.perf_counter()
        dice = arm(a, b)
        seconds.append(time.perf_counter() - started)
    peak = memory_mb("VmHWM")
    print(
        json.dumps(
            {
                "warm_up": warm_up,
                "seconds": min(seconds),
                "peak_mb": peak,
                "own_mb": peak - before,
                "dice": dice.tolist(),
            }
        )
    )


def measure(name: str, folder: Path, cache: Path) -> dict[str, Any]:
    """Run one arm in a fresh process on one thread, compiling into an empty cache."""
    command = [sys.executable, __file__, "--arm", name, "--folder", str(folder)]
    return told(name, command, 1, NUMBA_CACHE_DIR=str(cache))


def compare(title: str, maps: tuple[Labels, Labels], folder: Path) -> None:
    """Measure all arms on one pair of maps, check that they agree, print the table."""
    for side, labels in zip("ab", maps, strict=True):
        np.save(folder / f"{side}.npy", labels)
    results = {name: measure(name, folder, folder / "cache" / title) for name in ARMS}
    ours = results["scalemai"]
    table = Table(title=f"{title}: {maps[0].size / 1e6:.1f} M voxels, 88 structures, 1 thread")
    for column in ("arm", "time", "times ours", "first call", "memory of its own", "peak RSS"):
        table.add_column(column, justify="left" if column == "arm" else "right")
    for name, result in results.items():
        if not np.allclose(result["dice"], ours["dice"], rtol=0, atol=1e-6, equal_nan=True):
            sys.exit(f"{name} and scalemai differ by more than 1e-6 in Dice")
        table.add_row(
            name,
            f"{result['seconds'] * 1e3:,.2f} ms",
            f"{result['seconds'] / ours['seconds']:,.0f}x",
            f"{result['warm_up']:.2f} s",
            f"{result['own_mb']:,.0f} MB",
            f"{result['peak_mb']:,.0f} MB",
        )
    Console(width=110).print(table)
    print(f"mean Dice {np.nanmean(ours['dice']):.4f}; all arms agree to 1e-6")


def main() -> None:
    """Parse the command line and run; ``--arm`` and ``--folder`` are for the child processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shape", type=int, nargs=3, default=(200, 240, 240))
    parser.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm is not None:
        run_arm(options.arm, options.folder)
        return
    rng = np.random.default_rng(options.seed)
    z, y, x = options.shape
    for title, make in {"organs": organs, "noise": noise}.items():
        with tempfile.TemporaryDirectory() as folder:
            compare(title, make((z, y, x), rng), Path(folder))


if __name__ == "__main__":
    main()
