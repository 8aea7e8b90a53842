"""Peak memory of predicting a scan, over the scan's length: from the store to the store.

``python benchmarks/inference_memory.py [--seed N] [--edge N] [--lengths N ...] [--classes N]``:
scans of noise of ``edge`` x ``edge`` pixels of 1.5 mm and so many slices are stored; a process of
its own for each predicts it with a small random network and writes the label maps slab by slab.
Printed are the largest resident set, what of it came after imports and a first tiny scan, and that
again as a share of the first length's.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.network.architectures import build_network
from scalemai_core.learn.predict.predictor import Predictor
from scalemai_core.learn.predict.readout import Labels
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import Layer
from scalemai_core.settings.learning import InputSettings, NetworkSettings, PredictSettings
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

SPACING_MM = 1.5
BAR = 40
"""Characters of the longest bar."""


def peak_mb() -> float:
    """Largest resident set so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def made_predictor(seed: int, classes: int, patch: int) -> Predictor:
    """Structures of anatomy and vessels as far as wanted; random weights without a preference."""
    taxonomy = load_taxonomy()
    named = [s.name for layer in (Layer.ANATOMY, Layer.VESSELS) for s in taxonomy.in_layer(layer)]
    channels = Channels.of(named[:classes], taxonomy)
    network = build_network(NetworkSettings(width=8, levels=3, stem_stride=2), channels, seed)
    with torch.no_grad():
        network.head.bias.zero_()
    settings = InputSettings(spacing_mm=SPACING_MM, patch_zyx=(patch, patch, patch))
    return Predictor([network], channels, settings, torch.device("cpu"))


def predict_stored(place: str, scan_id: str, predictor: Predictor, overlap: float) -> None:
    """As the task does it."""
    store = Workspace.open(place)
    grid = store.scans.grid(scan_id)
    writers = {
        layer: store.predictions.slabs("model", scan_id, layer, grid) for layer in predictor.layers
    }

    def take(labels: Labels) -> None:
        for layer, labels_zyx in labels.items():
            writers[layer].add(labels_zyx)

    predictor.stream(store.scans.array(scan_id), grid, take, PredictSettings(overlap=overlap))
    for writer in writers.values():
        writer.close()


def stored_scan(store: Workspace, shape_zyx: tuple[int, int, int], seed: int) -> str:
    """Smooth noise, so that it compresses about as CT does."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(-300, 300, [-(-n // 4) for n in shape_zyx], dtype=np.int16)
    image_zyx = coarse.repeat(4, 0).repeat(4, 1).repeat(4, 2)
    z, y, x = shape_zyx
    grid = Grid.of(shape_zyx, np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0]))
    return store.scans.write(np.ascontiguousarray(image_zyx[:z, :y, :x]), grid, {})


def measure(chosen: argparse.Namespace) -> dict[str, float]:
    """In this process: a tiny scan, then the long one."""
    torch.set_num_threads(chosen.threads)
    predictor = made_predictor(chosen.seed, chosen.classes, chosen.patch)
    tiny, scan = chosen.measure
    predict_stored(chosen.workspace, tiny, predictor, chosen.overlap)
    before = peak_mb()
    started = time.perf_counter()
    predict_stored(chosen.workspace, scan, predictor, chosen.overlap)
    return {"before": before, "peak": peak_mb(), "seconds": time.perf_counter() - started}


def main() -> None:
    """Store, measure each in a process of its own, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--edge", type=int, default=512)
    parser.add_argument("--lengths", type=int, nargs="+", default=[100, 200, 400, 600, 800])
    parser.add_argument("--classes", type=int, default=88)
    parser.add_argument("--patch", type=int, default=96)
    parser.add_argument("--overlap", type=float, default=0.5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workspace", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        sys.stdout.write(json.dumps(measure(chosen)) + "\n")
        return
    with tempfile.TemporaryDirectory() as place:
        store = Workspace.create(f"{place}/workspace")
        tiny = stored_scan(store, (8, 8, 8), chosen.seed)
        rows: list[tuple[int, dict[str, float]]] = []
        for length in chosen.lengths:
            scan = stored_scan(store, (length, chosen.edge, chosen.edge), chosen.seed)
            command = [sys.executable, "-W", "ignore", __file__, *sys.argv[1:]]
            command += ["--workspace", store.url, "--measure", tiny, scan]
            root = str(Path(__file__).resolve().parents[1])
            environment = {**os.environ, "PYTHONPATH": root}
            output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
            rows.append((length, json.loads(output.stdout.splitlines()[-1])))
    show(rows, chosen)


def show(rows: list[tuple[int, dict[str, float]]], chosen: argparse.Namespace) -> None:
    """A row a length, with a bar."""
    title = (
        f"slices of {chosen.edge}x{chosen.edge}, {chosen.classes} structures, seed {chosen.seed}"
    )
    table = Table(
        "slices", "peak RSS", "of its own", "against the first", "seconds", "", title=title
    )
    own = [found["peak"] - found["before"] for _, found in rows]
    for (length, found), mb in zip(rows, own, strict=True):
        bar = "#" * round(BAR * mb / max(own))
        table.add_row(
            str(length),
            f"{found['peak']:,.0f} MB",
            f"{mb:,.0f} MB",
            f"{mb / own[0]:.2f}",
            f"{found['seconds']:.0f}",
            bar,
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
