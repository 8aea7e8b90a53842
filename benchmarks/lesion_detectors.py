"""Detectors for the lesion benchmark: one that is drawn, one that is trained."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.network.architectures import build_network
from scalemai_core.learn.predict.predictor import Predictor
from scalemai_core.learn.train.process import train
from scalemai_core.learn.weights import Weights, load_weights
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.records.training import ChannelNames, TrainingCase, TrainingPlan
from scalemai_core.settings.learning import (
    InputSettings,
    NetworkSettings,
    PredictSettings,
    TrainSettings,
)
from scalemai_core.synthesize.phantoms import Phantom
from scalemai_core.taxonomy.site import lesion_sites
from scalemai_core.taxonomy.taxonomy import Taxonomy, load_taxonomy
from scalemai_core.volume.components import components
from scalemai_core.volume.lesion_odds import LesionOdds
from scalemai_core.volume.log_odds import encode
from scalemai_core.volume.places import Places, find_places

Floats = NDArray[np.float32]

CHANNELS: ChannelNames = {
    Layer.LESIONS: (
        *("pancreatic_pdac", "pancreatic_cyst", "pancreatic_pnet"),
        *("liver_lesion", "kidney_tumor", "kidney_cyst"),
    )
}
NETWORK = NetworkSettings(name="SegResNet", width=24, levels=3, stem_stride=2)
INPUT = InputSettings(spacing_mm=1.5, window_hu=(-100.0, 240.0), patch_zyx=(48, 48, 48))

AT_10_MM, A_DOUBLING, SPREAD = 3.0, 1.5, 1.5
"""Log-odds of a lesion of 10 mm, what each doubling of the diameter adds, and how they vary."""
FALSE_RATE, FALSE_LOG_ODDS = 4.0, (-2.5, 1.5)
"""False places a scan, and mean and spread of their log-odds."""
BACKGROUND = -11.0
KIND_ERROR = 0.2
"""Share of lesions, of a site with several kinds, whose kind is mistaken."""


class Detector(Protocol):
    """What gives lesions of a phantom log-odds."""

    def odds(self, phantom: Phantom, index: int) -> LesionOdds:
        """On any grid over the phantom's box."""
        ...


class SimulatedDetector:
    """Bumps of log-odds on true lesions, the surer the larger, and at places without one."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def odds(self, phantom: Phantom, index: int) -> LesionOdds:
        """Drawn from the seed and the patient's number alone."""
        rng = np.random.default_rng([self._seed, index, zlib.crc32(b"detector")])
        taxonomy, truth_zyx = load_taxonomy(), phantom.labels[Layer.LESIONS]
        noise = ndimage.gaussian_filter(rng.normal(size=truth_zyx.shape), 2.0)
        log_odds = (BACKGROUND + 0.5 * noise / noise.std()).astype(np.float32)
        types_zyx = _nearest_kind(phantom, taxonomy)
        pieces, _ = components(truth_zyx)
        for number, box in enumerate(ndimage.find_objects(pieces.astype(np.int32)), start=1):
            inside = pieces[box] == number
            voxels = int(inside.sum())
            diameter_mm = (6.0 * voxels * phantom.grid.voxel_ml * 1000.0 / np.pi) ** (1 / 3)
            peak = AT_10_MM + A_DOUBLING * np.log2(diameter_mm / 10.0) + rng.normal(0, SPREAD)
            padded = np.pad(inside, 1)
            depth = np.asarray(ndimage.distance_transform_edt(padded))[1:-1, 1:-1, 1:-1]
            bump = peak - 1.0 * (1.0 - depth / depth.max())
            log_odds[box] = np.where(inside, np.maximum(log_odds[box], bump), log_odds[box])
            kind = _kind(int(truth_zyx[box][inside][0]), rng, taxonomy)
            types_zyx[box] = np.where(inside, kind, types_zyx[box])
        hosts = np.argwhere((phantom.labels[Layer.ANATOMY] > 0) & (truth_zyx == 0))
        for _ in range(rng.poisson(FALSE_RATE)):
            centre = hosts[rng.integers(len(hosts))]
            _add_ball(log_odds, centre, rng.uniform(1.0, 5.0), rng.normal(*FALSE_LOG_ODDS))
        codes_zyx = encode((1.0 / (1.0 + np.exp(-log_odds))).astype(np.float32), floor=1e-6)
        return LesionOdds(codes_zyx, types_zyx, phantom.grid)


class NetworkDetector:
    """A trained network."""

    def __init__(self, weights: Path) -> None:
        self._weights = weights

    def odds(self, phantom: Phantom, index: int) -> LesionOdds:
        """What it gives lesions."""
        settings = PredictSettings(overlap=0.25)
        predictor = _predictor(self._weights)
        found = predictor.predict(phantom.image_zyx, phantom.grid, settings).lesions
        if found is None:
            raise SystemExit(f"{self._weights} knows no lesions")
        return found


def train_network(weights: Path, phantoms: Iterable[Phantom], steps: int, seed: int) -> None:
    """Train on lesions alone, half of all patches around one, and write the weights."""
    patients = {f"patient-{index}": phantom for index, phantom in enumerate(phantoms)}
    cases = tuple(
        TrainingCase(
            scan_id=name,
            patient=name,
            grid=phantom.grid,
            label_maps={Layer.LESIONS: name},
        )
        for name, phantom in patients.items()
    )
    settings = TrainSettings(
        steps=steps, batch=1, learning_rate=0.003, foreground=0.8, lesions=0.5, augment=False
    )
    plan = TrainingPlan(
        workspace="benchmark",
        key="lesions",
        fold=0,
        cases=cases,
        channels=CHANNELS,
        network=NETWORK,
        input=INPUT,
        train=settings,
        seed=seed,
    )
    network = train(plan, _Painted(patients), Path(), torch.device("cpu"), lambda _: None)  # pyright: ignore[reportArgumentType] - no weights to start from
    weights.write_bytes(Weights.of(network, CHANNELS).to_bytes())


class _Painted:
    """Patients in memory, as the trainer reads them."""

    def __init__(self, patients: dict[str, Phantom]) -> None:
        self._patients = patients

    def image(self, scan_id: str) -> ImageZYX:
        return self._patients[scan_id].image_zyx

    def labels(self, name: str) -> LabelsZYX:
        return self._patients[name].labels[Layer.LESIONS]

    def places(self, name: str) -> Places:
        patient, rng = self._patients[name], np.random.default_rng(0)
        labels_zyx = patient.labels[Layer.LESIONS]
        return find_places(labels_zyx, patient.grid.voxel_ml, rng, lesions=True)


class _Folder:
    """Weights by their path."""

    def read_bytes(self, path: str) -> bytes:
        return Path(path).read_bytes()


@lru_cache(maxsize=1)
def _predictor(weights: Path) -> Predictor:
    channels = Channels.from_names(CHANNELS, load_taxonomy())
    network = build_network(NETWORK, channels, seed=0)
    load_weights(_Folder(), str(weights)).into(network, CHANNELS)
    torch.set_num_threads(1)
    return Predictor([network], channels, INPUT, torch.device("cpu"))


def _nearest_kind(phantom: Phantom, taxonomy: Taxonomy) -> LabelsZYX:
    """A kind of lesion for every voxel of an organ that bears some."""
    kinds = np.zeros(256, dtype=np.uint8)
    for site in lesion_sites(taxonomy):
        leaf = next(name for name in site.lesions if not taxonomy.children(name))
        for host in site.hosts:
            kinds[taxonomy.member_ids(host)] = taxonomy[leaf].id
    return kinds[phantom.labels[Layer.ANATOMY]]


def _kind(structure_id: int, rng: np.random.Generator, taxonomy: Taxonomy) -> int:
    name = taxonomy.by_id(structure_id).name
    site = next(site for site in lesion_sites(taxonomy) if name in site.lesions)
    others = [one for one in site.lesions if one != name and not taxonomy.children(one)]
    if others and rng.random() < KIND_ERROR:
        return taxonomy[others[rng.integers(len(others))]].id
    return structure_id


def _add_ball(log_odds: Floats, centre_zyx: NDArray[np.int64], radius: float, peak: float) -> None:
    """A false bump, radius in voxels."""
    low = np.maximum(centre_zyx - int(np.ceil(radius)), 0)
    box = tuple(
        slice(a, b) for a, b in zip(low, centre_zyx + int(np.ceil(radius)) + 1, strict=True)
    )
    grid = np.indices(log_odds[box].shape) + low[:, None, None, None]
    steps = np.sqrt(((grid - centre_zyx[:, None, None, None]) ** 2).sum(axis=0)) / radius
    bump = np.where(steps <= 1.0, peak - steps, -np.inf).astype(np.float32)
    log_odds[box] = np.maximum(log_odds[box], bump)
