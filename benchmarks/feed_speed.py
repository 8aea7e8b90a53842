"""Training patches a second from stored scans: this engine's feed, MONAI's and nnU-Net's.

``python benchmarks/feed_speed.py --nnunet-python PYTHON [--seed N]`` makes phantoms of 300^3 voxels
at 1.5 mm and stores each as every library wants it. Every arm then runs in processes of its own,
in turns; the best of its turns counts. Processor time is that of all processes of an arm together,
without waiting, so that other programs on the machine change it little. A patch is 96^3 voxels of
image and labels, two a batch, half of them centred in a structure, without augmentation. This
engine reads three layers of labels, and in a second arm the layer of anatomy alone, as the others
do. One patch of every arm is looked for in the scans, voxel by voxel. Without ``--nnunet-python``,
an interpreter that has nnunetv2 and psutil, that arm is left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from feed_arms import ARMS, FOREGROUND, PATCH, SPACING_MM, WINDOW_HU, cases_of, scaled
from fresh_process import REPOSITORY, printed
from rich.console import Console
from rich.table import Table

from scalemai_core.learn.channels import Channels
from scalemai_core.records.label_map import Layer
from scalemai_core.records.training import TrainingCase, TrainingPlan
from scalemai_core.settings.learning import InputSettings, NetworkSettings, TrainSettings
from scalemai_core.store.workspace import Workspace
from scalemai_core.synthesize.phantoms import PhantomSettings, make_phantom
from scalemai_core.taxonomy.taxonomy import load_taxonomy

WITNESSES = 40
"""Voxels of a patch that are compared before all of it is."""


def store_phantoms(folder: Path, seed: int, scans: int, edge: int) -> None:
    """Each phantom as arrays for the others and in a workspace, with the plan to train on it."""
    side_mm = edge * SPACING_MM
    settings = PhantomSettings(spacing_mm=SPACING_MM, field_mm_zyx=(side_mm, side_mm, side_mm))
    store = Workspace.create(str(folder / "workspace"))
    taxonomy = load_taxonomy()
    cases: list[TrainingCase] = []
    for index in range(scans):
        phantom = make_phantom(seed, index, settings)
        place = folder / "cases" / f"{index:03d}"
        place.mkdir(parents=True)
        np.save(place / "image.npy", phantom.image_zyx)
        np.save(place / "anatomy.npy", phantom.labels[Layer.ANATOMY])
        scan_id = store.scans.write(phantom.image_zyx, phantom.grid, {})
        maps: dict[Layer, str | None] = {}
        for layer, labels_zyx in phantom.labels.items():
            name = store.labels.write(labels_zyx, scan_id, layer, phantom.grid)
            store.label_index.write(name, layer, phantom.grid)
            maps[layer] = name
        cases.append(
            TrainingCase(scan_id=scan_id, patient=str(index), grid=phantom.grid, label_maps=maps)
        )
    plan = TrainingPlan(
        workspace=store.url,
        key="feed",
        fold=0,
        cases=tuple(cases),
        channels=Channels.of(settings.labelled, taxonomy).names,
        network=NetworkSettings(),
        input=InputSettings(spacing_mm=SPACING_MM, window_hu=WINDOW_HU, patch_zyx=PATCH),
        train=TrainSettings(foreground=FOREGROUND, augment=False),
    )
    (folder / "plan.json").write_text(plan.model_dump_json())
    anatomy = [name for name in settings.labelled if taxonomy[name].layer is Layer.ANATOMY]
    one = plan.model_copy(update={"channels": Channels.of(anatomy, taxonomy).names})
    (folder / "plan of one layer.json").write_text(one.model_dump_json())


def run(python: str, *arguments: str) -> str:
    """One step of an arm in a process of its own, one thread a process."""
    script = REPOSITORY / "benchmarks" / "feed_arms.py"
    return printed(arguments[0], [python, "-W", "ignore", script, *arguments], threads=1)


def check(folder: Path, arms: Sequence[str]) -> None:
    """A patch of every arm is a box of one of the scans, image and labels."""
    for arm in arms:
        stored = np.load(folder / f"patch of {arm}.npz")
        image, labels = stored["image"], stored["labels"]
        if image.shape != PATCH or image.dtype != np.float32:
            sys.exit(f"{arm} delivers {image.dtype} patches of {image.shape}")
        if not any(
            holds(scaled(scan), truth, image, labels) for _, scan, truth in cases_of(folder)
        ):
            sys.exit(f"a patch of {arm} is in none of the scans")


def holds(scan: Any, truth: Any, image: Any, labels: Any) -> bool:
    """Whether the patch is somewhere in the scan."""
    room = [n - p + 1 for n, p in zip(scan.shape, PATCH, strict=True)]
    places = np.indices(room).reshape(3, -1)
    informative = np.argwhere((image > 0) & (image < 1))
    offsets = np.random.default_rng(0).choice(informative, WITNESSES)
    for offset in offsets:
        found = scan[tuple(places + offset[:, None])]
        places = places[:, np.abs(found - image[tuple(offset)]) < 1e-5]  # noqa: PLR2004
    for place in places.T:
        box = tuple(slice(first, first + p) for first, p in zip(place, PATCH, strict=True))
        if np.allclose(scan[box], image, atol=1e-5) and np.array_equal(truth[box], labels):
            return True
    return False


def main() -> None:
    """Parse the command line, store, run in turns, check, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scans", type=int, default=8)
    parser.add_argument("--edge", type=int, default=300, help="voxels along each axis")
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=(1, 2))
    parser.add_argument("--nnunet-python")
    options = parser.parse_args()
    pythons = dict.fromkeys(ARMS, sys.executable) | {"nnU-Net": options.nnunet_python}
    arms = [arm for arm in ARMS if pythons[arm]]
    with tempfile.TemporaryDirectory(prefix="feed-") as name:
        folder = Path(name)
        store_phantoms(folder, options.seed, options.scans, options.edge)
        if "nnU-Net" in arms:
            run(pythons["nnU-Net"], "nnU-Net", "prepare", name, "0", "0")
        for workers in options.workers:
            found: dict[str, list[dict[str, float]]] = {arm: [] for arm in arms}
            for _ in range(options.turns):
                for arm in arms:
                    said = run(
                        pythons[arm], arm, "measure", name, str(workers), str(options.batches)
                    )
                    found[arm].append(json.loads(said.splitlines()[-1]))
            show(f"{options.scans} scans of {options.edge}^3, {workers} workers", found)
        check(folder, arms)
    print(f"a patch of every arm was found in the scans: {', '.join(arms)}")


def show(title: str, found: dict[str, list[dict[str, float]]]) -> None:
    """The best turn of each arm."""
    table = Table(title=title)
    for column in ("arm", "patches/s", "ours is", "turns", "CPU a patch", "peak RSS", "peak PSS"):
        table.add_column(column, justify="left" if column == "arm" else "right")
    rates = {arm: max(turn["rate"] for turn in turns) for arm, turns in found.items()}
    for arm, turns in found.items():
        table.add_row(
            arm,
            f"{rates[arm]:.1f}",
            f"{rates['scalemai'] / rates[arm]:.2f}x",
            " ".join(f"{turn['rate']:.1f}" for turn in turns),
            f"{min(turn['cpu_ms'] for turn in turns):.1f} ms",
            f"{max(turn['rss_mb'] for turn in turns):,.0f} MB",
            f"{max(turn['pss_mb'] for turn in turns):,.0f} MB",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
