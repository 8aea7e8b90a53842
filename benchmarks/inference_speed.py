"""Sliding-window inference: this engine's bands, MONAI's inferer and nnU-Net's predictor.

``python benchmarks/inference_speed.py --nnunet-python PYTHON [--seed N] [--size X Y Z]
[--classes N] [--turns N] [--threads N]``: one image of noise, one light network (three
convolutions at half resolution, then doubled; random weights, float32), the same windows of 96^3
that overlap by half, and at the end one label map. Every arm runs in processes of its own, in
turns; the best of its turns counts. Peak memory is the largest resident set, and what of it came
after the imports. Label maps are compared voxel by voxel. Without ``--nnunet-python``, an
interpreter that has nnunetv2, that arm is left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fresh_process import REPOSITORY, told
from inference_arms import ARMS
from rich.console import Console
from rich.table import Table
from torch import nn

SCRIPT = REPOSITORY / "benchmarks" / "inference_arms.py"
FEATURES = 16
AGREE = 0.999
"""Voxels in which the arms' label maps have to agree; nnU-Net adds in float16."""


def prepare(folder: Path, size_xyz: tuple[int, int, int], classes: int, seed: int) -> None:
    """The image and the traced network that all arms share."""
    rng = np.random.default_rng(seed)
    np.save(folder / "image.npy", rng.random(size_xyz[::-1], dtype=np.float32))
    (folder / "case.json").write_text(json.dumps({"classes": classes}))
    generator = torch.Generator().manual_seed(seed)
    network = nn.Sequential(
        nn.Conv3d(1, FEATURES, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv3d(FEATURES, FEATURES, 3, padding=1),
        nn.ReLU(),
        nn.Conv3d(FEATURES, classes, 1),
        nn.Upsample(scale_factor=2),
    )
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3, generator=generator)
    traced = torch.jit.trace(network.eval(), torch.zeros((1, 1, 16, 16, 16)), check_trace=False)
    torch.jit.save(traced, folder / "network.pt")


def run(python: str, arm: str, folder: Path, threads: int) -> dict[str, float]:
    """One arm once."""
    return told(arm, [python, "-W", "ignore", SCRIPT, arm, folder, str(threads)], threads)


def main() -> None:
    """Parse the command line, run in turns, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--size", type=int, nargs=3, default=(256, 256, 300), metavar=("X", "Y", "Z")
    )
    parser.add_argument("--classes", type=int, default=88)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--nnunet-python")
    chosen = parser.parse_args()
    arms = [arm for arm in ARMS if arm != "nnU-Net" or chosen.nnunet_python]
    found: dict[str, list[dict[str, float]]] = {arm: [] for arm in arms}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(folder, tuple(chosen.size), chosen.classes, chosen.seed)
        for _ in range(chosen.turns):
            for arm in arms:
                python = chosen.nnunet_python if arm == "nnU-Net" else sys.executable
                found[arm].append(run(python, arm, folder, chosen.threads))
        maps = {arm: np.load(folder / f"labels of {arm}.npy") for arm in arms}
    agree = {arm: float((maps[arm] == maps["MONAI"]).mean()) for arm in arms}
    show(found, agree, chosen)
    if min(agree.values()) < AGREE:
        sys.exit("the arms do not agree")


def show(found: dict[str, list[dict[str, float]]], agree: dict[str, float], chosen: Any) -> None:
    """A row an arm, ratios against this engine."""
    best = {
        arm: {key: min(turn[key] for turn in turns) for key in turns[0]}
        for arm, turns in found.items()
    }
    own = {arm: each["peak_mb"] - each["before_mb"] for arm, each in best.items()}
    x, y, z = chosen.size
    title = f"{x}x{y}x{z}, {chosen.classes} classes, {chosen.threads} threads, seed {chosen.seed}"
    columns = ("arm", "time", "ratio", "processor", "peak RSS", "after imports", "ratio", "agrees")
    table = Table(*columns, title=title)
    for arm, each in best.items():
        table.add_row(
            arm,
            f"{each['seconds']:.1f} s",
            f"{each['seconds'] / best['scalemai']['seconds']:.2f}",
            f"{each['cpu']:.1f} s",
            f"{each['peak_mb']:,.0f} MB",
            f"{own[arm]:,.0f} MB",
            f"{own[arm] / own['scalemai']:.2f}",
            f"{agree[arm]:.5f}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
