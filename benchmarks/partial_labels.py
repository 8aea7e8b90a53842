"""Partially labelled sources: what the loss on what is known makes of them.

    python benchmarks/partial_labels.py --seeds 1 2 3

Training patients come from four sources; each has labelled its own quarter of the structures and
nothing else. Arms: ``full`` (every patient labelled whole: the bound), ``partial`` (what is not
labelled is unknown: the engine), ``as absent`` (what is not labelled is background: naive merging)
and ``ignored`` (a model a source, which shares the steps evenly: no source learns from another's
patients). All take the same network, patients, steps and order of patches, and are scored on other
patients against the truth.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch
from patients import PhantomFolder
from trials import Scores, Trial, Trials

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.device import prepare_cpu
from scalemai_core.learn.predict.predictor import Predictor
from scalemai_core.learn.train.process import train
from scalemai_core.measure.overlap import Overlap
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.training import TrainingCase, TrainingPlan
from scalemai_core.settings.learning import InputSettings, NetworkSettings, TrainSettings
from scalemai_core.synthesize.phantoms import PhantomSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy

FULL, PARTIAL, ABSENT, IGNORED = "full", "partial", "as absent", "ignored"
ARMS = (FULL, PARTIAL, ABSENT, IGNORED)
SOURCES = 4
LAYERS = (Layer.ANATOMY, Layer.VESSELS)
STRUCTURES = (
    *("liver", "spleen", "kidney_left", "kidney_right", "stomach", "duodenum"),
    *("gall_bladder", "spinal_cord", "autochthon_left", "autochthon_right", "aorta", "postcava"),
)
PHANTOMS = PhantomSettings(
    spacing_mm=8.0,
    field_mm_zyx=(200.0, 240.0, 320.0),
    field_top_mm=105.0,
    lesions=0.0,
    structures=STRUCTURES,
)
NETWORK = NetworkSettings(name="UNet", width=16, levels=3)
INPUT = InputSettings(spacing_mm=8.0, patch_zyx=(24, 32, 40))
CPU = torch.device("cpu")
MEAN = "mean"


def main() -> None:
    """Paint the patients, play every arm with every seed, print the tables."""
    options = _options()
    for seed in options.seeds:
        patients = range(options.patients + options.test)
        _folder(options, seed).paint(seed, patients, PHANTOMS, options.jobs)
    trials = Trials(options.folder / f"{options.patients}-{options.steps}x{options.batch}")
    wanted = [Trial(arm, seed) for seed in options.seeds for arm in options.arms]
    trials.play(wanted, partial(play, options), options.jobs)
    _tell(trials, options)


def play(options: argparse.Namespace, trial: Trial) -> Scores:
    """Train an arm and score it."""
    prepare_cpu(1)
    torch.set_flush_denormal(True)
    folder = _folder(options, trial.seed)
    test = range(options.patients, options.patients + options.test)
    found: dict[str, list[float]] = {name: [] for name in STRUCTURES}
    for plan in plans(trial, folder, options):
        predictor = _trained(plan, folder)
        names = [name for layer in plan.channels.values() for name in layer]
        for index in test:
            for name, value in _dice(predictor, folder, index, names).items():
                found[name].append(value)
    scores = {name: float(np.nanmean(values)) for name, values in found.items()}
    return {**scores, MEAN: float(np.mean(list(scores.values())))}


def plans(trial: Trial, folder: PhantomFolder, options: argparse.Namespace) -> list[TrainingPlan]:
    """What an arm trains: one model, or a model a source."""
    quarters = sources(trial.seed)
    patients = range(options.patients)
    everyone = {index: quarters[index % SOURCES] for index in patients}
    if trial.arm == FULL:
        cases = [folder.case(index, LAYERS) for index in patients]
        return [_plan(cases, STRUCTURES, trial.seed, options.steps, options.batch)]
    if trial.arm == IGNORED:
        own = [
            [folder.case(i, LAYERS, names) for i, names in everyone.items() if names == quarter]
            for quarter in quarters
        ]
        steps = options.steps // SOURCES
        return [
            _plan(cases, quarter, trial.seed, steps, options.batch)
            for cases, quarter in zip(own, quarters, strict=True)
        ]
    cases = [
        folder.case(index, LAYERS, names, unlabelled(names) if trial.arm == PARTIAL else ())
        for index, names in everyone.items()
    ]
    return [_plan(cases, STRUCTURES, trial.seed, options.steps, options.batch)]


def sources(seed: int) -> list[tuple[str, ...]]:
    """The structures of each source, dealt at random."""
    dealt = np.random.default_rng([seed, 77]).permutation(STRUCTURES).tolist()
    return [tuple(sorted(dealt[first::SOURCES])) for first in range(SOURCES)]


def unlabelled(names: tuple[str, ...]) -> tuple[str, ...]:
    """The other structures, and wholes of which any part is among them."""
    taxonomy = load_taxonomy()
    others = set(STRUCTURES) - set(names)
    wholes = {above.name for name in others for above in taxonomy.ancestors(name)}
    return tuple(sorted(others | wholes))


def _plan(
    cases: list[TrainingCase], names: tuple[str, ...], seed: int, steps: int, batch: int
) -> TrainingPlan:
    return TrainingPlan(
        workspace="benchmark",
        key="partial-labels",
        fold=0,
        cases=tuple(cases),
        channels=Channels.of(names, load_taxonomy()).names,
        network=NETWORK,
        input=INPUT,
        train=TrainSettings(steps=steps, batch=batch, learning_rate=0.003, augment=False),
        seed=seed,
    )


def _trained(plan: TrainingPlan, folder: PhantomFolder) -> Predictor:
    network = train(plan, folder, Path(), CPU, lambda _: None)  # pyright: ignore[reportArgumentType] - no weights to start from
    return Predictor([network], Channels.from_names(plan.channels, load_taxonomy()), INPUT, CPU)


def _dice(
    predictor: Predictor, folder: PhantomFolder, index: int, names: list[str]
) -> dict[str, float]:
    """Of each structure in one patient; NaN where it is not in the scan."""
    taxonomy = load_taxonomy()
    found = predictor.predict(folder.image(str(index)), folder.grid(index)).labels
    dice: dict[str, float] = {}
    for layer, predicted_zyx in found.items():
        truth_zyx: LabelsZYX = folder.labels(f"{index}/{layer}")
        by_id = Overlap.of_maps(truth_zyx, predicted_zyx, taxonomy.unions).dice
        own = [name for name in names if taxonomy[name].layer == layer]
        dice |= {name: float(by_id[taxonomy[name].id]) for name in own}
    return dice


def _tell(trials: Trials, options: argparse.Namespace) -> None:
    """Mean Dice an arm and seed, then each structure's over the seeds."""
    seeds, arms = options.seeds, options.arms
    print(f"\n{options.patients} patients of {SOURCES} sources, {options.test} test patients, ")
    print(f"{options.steps} steps of {options.batch}\n")
    print(f"| arm | {' | '.join(f'seed {seed}' for seed in seeds)} | mean | against full |")
    print(f"|---|{'--:|' * (len(seeds) + 2)}")
    bound = trials.over_seeds(FULL, seeds, MEAN).mean() if FULL in arms else np.nan
    for arm in arms:
        values = trials.over_seeds(arm, seeds, MEAN)
        row = " | ".join(f"{value:.3f}" for value in values)
        print(f"| {arm} | {row} | {values.mean():.3f} | {values.mean() - bound:+.3f} |")
    print(f"\n| structure | {' | '.join(arms)} |\n|---|{'--:|' * len(arms)}")
    for name in STRUCTURES:
        means = (np.nanmean(trials.over_seeds(arm, seeds, name)) for arm in arms)
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in means)} |")


def _folder(options: argparse.Namespace, seed: int) -> PhantomFolder:
    return PhantomFolder(options.folder / f"phantoms-{seed}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--folder", type=Path, default=Path("build/partial_labels"))
    parser.add_argument("--patients", type=int, default=160)
    parser.add_argument("--test", type=int, default=12)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="arms played side by side")
    parser.add_argument("--arms", nargs="+", default=ARMS, choices=ARMS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
