"""The training loss on 88 structures, forward and backward, against MONAI's DiceCELoss.

``python benchmarks/loss_speed.py [--seed N] [--patch 96] [--batch 2] [--threads 1 2]``. Both arms
are the same function (everything is known; MONAI's Dice is told which structures the batch holds):
loss and gradient are checked to agree to 1e-6. Times are taken in turns, memory in a process of its
own for each arm.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from fresh_process import told
from memory import memory_mb
from monai.losses.dice import DiceCELoss
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.spatial import KDTree
from torch import Tensor

from scalemai_core.learn.channels import Channels, LayerChannels
from scalemai_core.learn.loss.allowed import AllowedSets, allowed_sets
from scalemai_core.learn.loss.marginal import (
    DICE_WEIGHT,
    SMOOTH_VOXELS,
    LossTerms,
    segmentation_loss,
)
from scalemai_core.learn.loss.target import LayerTarget
from scalemai_core.records.label_map import Layer
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
FILLINGS = {"few": 6, "some": 25, "all": 88}
"""Structures that the batch holds."""
TERMS = LossTerms(balance=0.0, lesion_balance=0.0)
"""Plain cross-entropy, as MONAI's."""
AGREEMENT = 1e-6


@dataclass(frozen=True)
class Case:
    """One batch: logits, and per layer its channels, reading, and labels as channels."""

    logits: Tensor
    layers: tuple[LayerChannels, ...]
    allowed: tuple[AllowedSets, ...]
    labels: tuple[Tensor, ...]
    """(batch, z, y, x) uint8 for each layer."""


def one_softmax() -> tuple[tuple[LayerChannels, ...], tuple[AllowedSets, ...]]:
    """All 88 structures and a background in a single layer, each label its own channel."""
    ids = np.arange(len(TAXONOMY.names) + 1, dtype=np.uint8)
    layer = LayerChannels(Layer.ANATOMY, 0, TAXONOMY.names, ids)
    table = np.zeros(256, dtype=np.uint8)
    table[ids] = ids
    return (layer,), (AllowedSets(table, (), ids > 0, ids < 0, np.ones(ids.size, np.float32)),)


def three_layers() -> tuple[tuple[LayerChannels, ...], tuple[AllowedSets, ...]]:
    """The engine's own layers: the leaves of all 88, a background in each layer."""
    layers = Channels.of(TAXONOMY.names, TAXONOMY).layers
    return layers, tuple(allowed_sets(layer, (), TAXONOMY) for layer in layers)


LAYOUTS = {"one softmax of 89 channels": one_softmax, "the engine's three layers": three_layers}


def blobs(ids: NDArray[np.uint8], shape: tuple[int, ...], rng: np.random.Generator) -> Tensor:
    """Cells around random points, half of the voxels background."""
    batch, size = shape[0], np.array(shape[1:])
    places = np.indices(shape[1:]).reshape(3, -1).T
    maps: list[NDArray[np.uint8]] = []
    for _ in range(batch):
        points = rng.uniform(0, 1, (max(ids.size, 1), 3)) * size
        distance, nearest = KDTree(points).query(places)
        near = distance < np.median(distance)
        found = np.append(ids, 0)[np.where(near & (ids.size > 0), nearest, ids.size)]
        maps.append(found.astype(np.uint8).reshape(shape[1:]))
    return torch.from_numpy(np.stack(maps))


def make_case(layout: str, filling: str, patch: int, batch: int, seed: int) -> Case:
    """A batch that holds the filling's share of every layer's structures."""
    rng = np.random.default_rng(seed)
    layers, allowed = LAYOUTS[layout]()
    num = sum(layer.num_channels for layer in layers)
    logits = rng.standard_normal((batch, num, patch, patch, patch), dtype=np.float32) * 2
    labels: list[Tensor] = []
    for layer in layers:
        held = round(FILLINGS[filling] / len(TAXONOMY.names) * len(layer.names))
        ids = rng.choice(layer.ids[1:], size=max(1, held), replace=False)
        labels.append(blobs(ids, (batch, patch, patch, patch), rng))
    return Case(torch.from_numpy(logits).requires_grad_(), layers, allowed, tuple(labels))


def scalemai(case: Case) -> tuple[float, Tensor]:
    """From the labels to the gradient."""
    targets = [
        [
            LayerTarget.of(layer, allowed, labels[sample])
            for layer, allowed, labels in zip(case.layers, case.allowed, case.labels, strict=True)
        ]
        for sample in range(len(case.logits))
    ]
    loss = segmentation_loss(case.logits, targets, TERMS)
    return loss.item(), torch.autograd.grad(loss, case.logits)[0]


def prepare_monai(case: Case) -> Callable[[Case], tuple[float, Tensor]]:
    """One DiceCELoss a layer, their sum the same function as ours."""
    parts: list[tuple[DiceCELoss, slice, Tensor]] = []
    channels = [
        torch.from_numpy(np.searchsorted(layer.ids, labels.numpy()))[:, None]
        for layer, labels in zip(case.layers, case.labels, strict=True)
    ]
    present = [
        torch.bincount(each.flatten(), minlength=layer.num_channels)[1:] > 0
        for layer, each in zip(case.layers, channels, strict=True)
    ]
    num_present = sum(int(each.sum()) for each in present)
    for layer, each, held in zip(case.layers, channels, present, strict=True):
        part = DiceCELoss(
            include_background=False,
            to_onehot_y=True,
            softmax=True,
            batch=True,
            smooth_nr=SMOOTH_VOXELS,
            smooth_dr=SMOOTH_VOXELS,
            lambda_dice=DICE_WEIGHT,
        )
        part.dice.class_weight = held.float() * len(layer.names) / num_present
        parts.append((part, layer.span, each))

    def monai(case: Case) -> tuple[float, Tensor]:
        losses = [part(case.logits[:, span], each) for part, span, each in parts]
        loss = torch.stack(losses).sum()
        return loss.item(), torch.autograd.grad(loss, case.logits)[0]

    return monai


def peak_mb(arm: str, options: argparse.Namespace, layout: str, filling: str) -> float:
    """Memory that an arm needs above logits and labels, in a fresh process."""
    sizes = {name: str(getattr(options, name)) for name in ("patch", "batch", "seed")}
    asked = {"arm": arm, "layout": layout, "filling": filling, **sizes}
    given = (f"--{name}={value}" for name, value in asked.items())
    return told(arm, [sys.executable, __file__, *given])


def print_peak(arm: str, case: Case, small: Case) -> None:
    """What ``peak_mb`` reads; the first call pays for compiling."""
    for each in (small, case):
        run = scalemai if arm == "scalemai" else prepare_monai(each)
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
        before = memory_mb("VmRSS")
        run(each)
    print(json.dumps(memory_mb("VmHWM") - before))


def clocked(arm: Callable[[Case], tuple[float, Tensor]], case: Case) -> tuple[float, float]:
    """Seconds by the wall's clock and by the processor's, which others' work disturbs less."""
    started, worked = time.perf_counter(), time.process_time()
    arm(case)
    return time.perf_counter() - started, time.process_time() - worked


def compare(layout: str, options: argparse.Namespace) -> None:
    """Take the arms' times in turns, check that they agree, print a table."""
    size = f"{options.batch} x {options.patch}^3 voxels, float32"
    table = Table(title=f"{layout}, {size}: forward and backward")
    for column in ("holds", "threads", "MONAI", "scalemai", "ratio", "of CPU time", "own memory"):
        table.add_column(column, justify="left" if column == "holds" else "right")
    for filling, num in FILLINGS.items():
        case = make_case(layout, filling, options.patch, options.batch, options.seed)
        monai = prepare_monai(case)
        expected, own = monai(case), scalemai(case)
        apart = float((own[1] - expected[1]).norm() / expected[1].norm())
        if not (abs(own[0] / expected[0] - 1) < AGREEMENT and apart < AGREEMENT):
            sys.exit(f"{layout}, {filling}: losses {own[0]}, {expected[0]}, gradients {apart:.1e}")
        memory = [peak_mb(arm, options, layout, filling) for arm in ("monai", "scalemai")]
        for threads in options.threads:
            torch.set_num_threads(threads)
            times = np.array(
                [[clocked(arm, case) for arm in (monai, scalemai)] for _ in range(options.repeats)]
            )
            best = times[:, :, 0].min(axis=0)
            ratio, work = np.median(times[:, 0] / times[:, 1], axis=0)
            table.add_row(
                f"{num} of 88",
                str(threads),
                *(f"{seconds * 1e3:,.0f} ms" for seconds in best),
                f"{ratio:.1f}x",
                f"{work:.1f}x",
                f"{memory[0]:,.0f} / {memory[1]:,.0f} MB",
            )
    Console(width=110).print(table)


def main() -> None:
    """Parse the command line and run; ``--arm`` and what follows are for the child processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patch", type=int, default=96)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--arm", choices=("monai", "scalemai"), help=argparse.SUPPRESS)
    parser.add_argument("--layout", choices=LAYOUTS, help=argparse.SUPPRESS)
    parser.add_argument("--filling", choices=FILLINGS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm is not None:
        cases = [
            make_case(options.layout, options.filling, patch, options.batch, options.seed)
            for patch in (options.patch, 16)
        ]
        print_peak(options.arm, *cases)
        return
    for layout in LAYOUTS:
        compare(layout, options)
    print(f"losses and gradients agree to {AGREEMENT:g} of their norm")


if __name__ == "__main__":
    main()
