"""Do synthetic tumours in healthy organs help a network find lesions that are rare in training?

    python benchmarks/synthetic_tumours.py --seeds 1 2 3

A few patients have lesions in the liver, drawn by the phantom's own painter, which stands for
reality here and is neither of the generators; more are healthy. Training takes the engine's own
feed: in the arms with tumours, a share of the patches is of healthy patients with a tumour
implanted on the fly, handcrafted, grown by the automaton, or both. All arms take the same network,
steps and patients, and are measured on new patients with painted lesions, at the same number of
false candidates a scan.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch
from lesion_scores import FALSE_PER_SCAN, at, score_lesions, size_names
from patients import PhantomFolder
from trials import Scores, Trial, Trials

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.device import prepare_cpu
from scalemai_core.learn.predict.predictor import Predictor
from scalemai_core.learn.train.process import train
from scalemai_core.records.label_map import Layer
from scalemai_core.records.training import TrainingPlan
from scalemai_core.settings.learning import (
    InputSettings,
    MixSettings,
    NetworkSettings,
    TrainSettings,
)
from scalemai_core.settings.tumours import TumourKind, TumourSettings
from scalemai_core.synthesize.phantoms import PhantomSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy

ARMS: dict[str, tuple[TumourKind, ...]] = {
    "real only": (),
    "real + handcrafted": ("handcrafted",),
    "real + automaton": ("automaton",),
    "real + both": ("handcrafted", "automaton"),
}
LESIONS = {"liver_lesion": 4.0}
ORGANS = ("liver",)
LAYERS = (Layer.ANATOMY, Layer.LESIONS)
PAINTED = PhantomSettings(
    spacing_mm=2.5,
    field_mm_zyx=(150.0, 170.0, 250.0),
    field_top_mm=95.0,
    lesion_numbers=LESIONS,
    lesion_mm=(8.0, 32.0),
    structures=(*ORGANS, *LESIONS),
)
NETWORK = NetworkSettings(name="UNet", width=24, levels=3, stem_stride=2)
INPUT = InputSettings(spacing_mm=2.5, window_hu=(-40.0, 220.0), patch_zyx=(32, 40, 40))
CPU = torch.device("cpu")
SYNTHETIC = 0.4
"""Share of the patches with a synthetic tumour, in the arms that have any."""


def main() -> None:
    """Paint the patients, play every arm with every seed, print the tables."""
    options = _options()
    for seed in options.seeds:
        paint(options, seed)
    trials = Trials(options.folder / f"{options.real}-{options.healthy}-{options.steps}")
    wanted = [Trial(arm, seed) for seed in options.seeds for arm in options.arms]
    trials.play(wanted, partial(play, options), options.jobs)
    _tell(trials, options)


def paint(options: argparse.Namespace, seed: int) -> None:
    """Patients with lesions, healthy ones, and those that are measured."""
    first, last = options.real + options.healthy, options.real + options.healthy + options.test
    healthy = PAINTED.model_copy(update={"lesions": 0.0})
    folder = _folder(options, seed)
    folder.paint(seed, range(options.real), PAINTED, options.jobs)
    folder.paint(seed, range(options.real, first), healthy, options.jobs)
    folder.paint(seed, range(first, last), PAINTED, options.jobs)


def play(options: argparse.Namespace, trial: Trial) -> Scores:
    """Train an arm and measure it."""
    prepare_cpu(1)
    torch.set_flush_denormal(True)
    folder = _folder(options, trial.seed)
    plan = plan_of(trial, folder, options)
    network = train(plan, folder, Path(), CPU, lambda _: None)  # pyright: ignore[reportArgumentType] - no weights to start from
    predictor = Predictor(
        [network], Channels.from_names(plan.channels, load_taxonomy()), INPUT, CPU
    )
    first = options.real + options.healthy
    return score_lesions(predictor, folder, range(first, first + options.test))


def plan_of(trial: Trial, folder: PhantomFolder, options: argparse.Namespace) -> TrainingPlan:
    """Two of three patients have lesions; a share of the patches goes to synthetic tumours."""
    real = [folder.case(index, LAYERS) for index in range(options.real)]
    first, last = options.real, options.real + options.healthy
    healthy = [
        folder.case(index, LAYERS).model_copy(update={"tumours": tuple(LESIONS)})
        for index in range(first, last)
    ]
    kinds = ARMS[trial.arm]
    synthetic = SYNTHETIC if kinds else 0.0
    mix = MixSettings(trusted=1.0 - synthetic, reviewed=0, pseudo=0, synthetic=synthetic)
    return TrainingPlan(
        workspace="benchmark",
        key="synthetic-tumours",
        fold=0,
        cases=(*healthy, *(real[index % len(real)] for index in range(2 * len(healthy)))),
        channels=Channels.of((*ORGANS, *LESIONS), load_taxonomy()).names,
        network=NETWORK,
        input=INPUT,
        train=TrainSettings(
            steps=options.steps,
            batch=options.batch,
            learning_rate=0.003,
            foreground=1.0,
            lesions=0.9,
            mix=mix,
        ),
        tumours=TumourSettings(kinds=kinds or ("handcrafted",), structures=tuple(LESIONS)),
        seed=trial.seed,
    )


def _tell(trials: Trials, options: argparse.Namespace) -> None:
    """Sensitivity an arm and seed, then by size over the seeds."""
    seeds, main_false = options.seeds, FALSE_PER_SCAN[1]
    print(f"\n{options.real} patients with lesions, {options.healthy} healthy, {options.test} new;")
    print(f"{options.steps} steps of {options.batch}; sensitivity at {main_false:g} false a scan\n")
    others = [at(false) for false in FALSE_PER_SCAN if false != main_false]
    titles = [*(f"seed {seed}" for seed in seeds), "mean", *others]
    print(f"| arm | {' | '.join(titles)} |\n|---|{'--:|' * len(titles)}")
    for arm in options.arms:
        values = trials.over_seeds(arm, seeds, at(main_false))
        more = [trials.over_seeds(arm, seeds, name).mean() for name in others]
        row = [*values.tolist(), values.mean(), *more]
        print(f"| {arm} | {' | '.join(f'{value:.3f}' for value in row)} |")
    titles = ["lesions", "number", *options.arms]
    print(f"\n| {' | '.join(titles)} |\n|---|{'--:|' * (len(titles) - 1)}")
    for group in size_names():
        counts = trials.over_seeds(options.arms[0], seeds, f"{group} lesions")
        found = [
            np.nansum(trials.over_seeds(arm, seeds, f"{group} {at(main_false)}") * counts)
            for arm in options.arms
        ]
        shares = " | ".join(f"{value / counts.sum():.3f}" for value in found)
        print(f"| {group} | {counts.sum():.0f} | {shares} |")


def _folder(options: argparse.Namespace, seed: int) -> PhantomFolder:
    return PhantomFolder(options.folder / f"phantoms-{seed}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--folder", type=Path, default=Path("build/synthetic_tumours"))
    parser.add_argument("--real", type=int, default=12, help="training patients with lesions")
    parser.add_argument("--healthy", type=int, default=24, help="healthy training patients")
    parser.add_argument("--test", type=int, default=24, help="patients to measure on")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2, help="arms played side by side")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=ARMS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
