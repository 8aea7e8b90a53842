"""Scans in memory for tests of learning: blocks of known intensity in two layers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.learn.channels import Channels
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import Layer
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.training import TrainingCase, TrainingPlan
from scalemai_core.settings.learning import InputSettings, NetworkSettings, TrainSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.places import Places, find_places

TAXONOMY = load_taxonomy()
STRUCTURES = ("spleen", "liver", "aorta")
HU = {"spleen": 200, "liver": 80, "aorta": 150}
SHAPE = (24, 20, 28)


@dataclass
class MemoryVolumes:
    """A VolumeReader and the bytes of a workspace, both in dictionaries."""

    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def image(self, scan_id: str) -> NDArray[Any]:
        return self.arrays[scan_id]

    def labels(self, label_map: str) -> NDArray[Any]:
        return self.arrays[label_map]

    def places(self, label_map: str) -> Places:
        labels_zyx = np.asarray(self.labels(label_map))
        lesions = bool(np.isin(labels_zyx, [s.id for s in TAXONOMY.in_layer(Layer.LESIONS)]).any())
        return find_places(labels_zyx, 0.064, np.random.default_rng(0), lesions=lesions)

    def read_bytes(self, path: str) -> bytes:
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]

    def write_bytes(self, path: str, data: bytes) -> None:
        self.files[path] = data


def grid_of(spacing_mm: float = 4.0, shape_zyx: tuple[int, int, int] = SHAPE) -> Grid:
    return Grid.of(shape_zyx, np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0]))


def paint(seed: int) -> tuple[NDArray[np.int16], dict[Layer, NDArray[np.uint8]]]:
    """An image whose brightness tells the structures, and its true labels."""
    rng = np.random.default_rng(seed)
    image_zyx = rng.normal(-100, 10, SHAPE).astype(np.int16)
    labels = {layer: np.zeros(SHAPE, dtype=np.uint8) for layer in (Layer.ANATOMY, Layer.VESSELS)}
    for name, first_x in zip(STRUCTURES, (2, 11, 20), strict=True):
        z, y = rng.integers(2, 8, size=2).tolist()
        box = (slice(z, z + 12), slice(y, y + 10), slice(first_x, first_x + 7))
        image_zyx[box] = HU[name] + rng.normal(0, 10, image_zyx[box].shape).astype(np.int16)
        structure = TAXONOMY[name]
        labels[structure.layer][box] = structure.id
    return image_zyx, labels


def add_case(volumes: MemoryVolumes, seed: int) -> TrainingCase:
    image_zyx, labels = paint(seed)
    scan_id = f"scan-{seed}"
    volumes.arrays[scan_id] = image_zyx
    for layer, labels_zyx in labels.items():
        volumes.arrays[f"{scan_id}-{layer}"] = labels_zyx
    return TrainingCase(
        scan_id=scan_id,
        patient=f"patient-{seed}",
        grid=grid_of(),
        label_maps={layer: f"{scan_id}-{layer}" for layer in labels},
    )


def make_plan(cases: list[TrainingCase], **changes: Any) -> TrainingPlan:
    plan = TrainingPlan(
        workspace="memory",
        key="test",
        fold=0,
        cases=tuple(cases),
        channels=Channels.of(STRUCTURES, TAXONOMY).names,
        network=NetworkSettings(width=8, levels=2),
        input=InputSettings(spacing_mm=4.0, patch_zyx=(24, 24, 32)),
        train=TrainSettings(steps=100, warm_steps=5, batch=2, learning_rate=1e-2, augment=False),
        device="cpu",
    )
    return plan.model_copy(update=changes)


def document_of(plan: TrainingPlan, paths: tuple[str, ...]) -> ModelDocument:
    """The model whose fold models a plan trained."""
    return ModelDocument(
        key=plan.key,
        taxonomy_version=str(TAXONOMY.version),
        channels=plan.channels,
        network=plan.network,
        input=plan.input,
        folds=paths,
        round=1,
        dataset_version=1,
        code_version="test",
    )
