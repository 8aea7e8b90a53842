"""A workspace of tiny scans: 88 structures in 16 x 16 x 16 voxels, and a model that reads them.

A structure's blocks have a grey value of its own, so that a network of one linear layer tells them
apart. What is measured with it is the engine's work around the voxels, not the voxels' own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context

import numpy as np
import torch

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.network.architectures import build_network
from scalemai_core.learn.network.segmenter import Segmenter
from scalemai_core.learn.weights import Weights
from scalemai_core.records.annotation import State
from scalemai_core.records.grid import Grid
from scalemai_core.records.ingested import IngestedCase, StoredCase
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.scan import Scan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.settings.learning import InputSettings, NetworkSettings
from scalemai_core.store.versions.admission import admit, publish_admission
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

SIZE = 16
SPACING_MM = 5.0
CELL = 3
"""Voxels along the edge of a structure's block."""
FAULTY = 0.05
"""Share of the structures whose label lies elsewhere or is missing."""
WINDOW_HU = (0.0, 1000.0)
STEP_HU = 10
"""Between the grey values of two structures."""
SHARPNESS = 40.0
"""Log-odds between a grey value's own structure and the next."""
KEY = "linear"
BATCH = 500

GRID = Grid.of((SIZE, SIZE, SIZE), np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0]))
NETWORK = NetworkSettings(name="UNet", width=4, levels=2, options={"num_res_units": 0})
INPUT = InputSettings(spacing_mm=SPACING_MM, window_hu=WINDOW_HU, patch_zyx=(SIZE, SIZE, SIZE))


Painter = Callable[[int, int], tuple[ImageZYX, dict[Layer, LabelsZYX]]]
"""Image and label maps of a seed and a number."""


def channels() -> Channels:
    """A channel for every structure that is not a union of others."""
    taxonomy = load_taxonomy()
    return Channels.of([structure.name for structure in taxonomy.structures], taxonomy)


def paint(seed: int, number: int) -> tuple[ImageZYX, dict[Layer, LabelsZYX]]:
    """One scan and its labels, some of them faulty."""
    rng = np.random.default_rng([seed, number])
    image_zyx = rng.integers(-2, 3, size=(SIZE, SIZE, SIZE), dtype=np.int16)
    labels = {layer: np.zeros(image_zyx.shape, dtype=np.uint8) for layer in Layer}
    per_axis = SIZE // CELL
    cells = rng.permutation(per_axis**3)
    ids = [int(i) for layer in channels().layers for i in layer.ids[1:]]
    taxonomy = load_taxonomy()
    for structure, cell in zip(ids, cells, strict=False):
        box = _box(int(cell), per_axis)
        image_zyx[box] += STEP_HU * structure
        fate = rng.random()
        if fate >= FAULTY:
            labels[taxonomy.by_id(structure).layer][box] = structure
        elif fate < FAULTY / 2:
            labels[taxonomy.by_id(structure).layer][_box(int(cells[-1]), per_axis)] = structure
    return image_zyx, labels


def _box(cell: int, per_axis: int) -> tuple[slice, ...]:
    z, y, x = np.unravel_index(cell, (per_axis,) * 3)
    return tuple(slice(int(n) * CELL, int(n) * CELL + CELL) for n in (z, y, x))


def prepare(url: str, seed: int, count: int, processes: int) -> DatasetVersion:
    """Store the scans and commit them as one dataset version; what is there is not made again."""
    store = Workspace.create(url, patient_key="tiny")
    if (done := store.catalog.latest()) is not None:
        return done
    parts = [range(start, min(start + BATCH, count)) for start in range(0, count, BATCH)]
    offered: list[IngestedCase] = []
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for cases in pool.map(_store, [url] * len(parts), [seed] * len(parts), parts):
            offered += cases
    admission = admit(store, offered, gold=False)
    version = publish_admission(store, admission, "tiny scans")
    if version is None:
        raise RuntimeError("nothing was admitted")
    return version


def _store(url: str, seed: int, numbers: Sequence[int]) -> list[IngestedCase]:
    store = Workspace.open(url)
    return list(stored_cases(store, seed, numbers))


def stored_cases(
    store: Workspace,
    seed: int,
    numbers: Sequence[int],
    painter: Painter | None = None,
    grid: Grid = GRID,
) -> Iterator[IngestedCase]:
    """The scans, written; on another grid where another painter fills it."""
    states = {structure.name: State.PRESENT for structure in load_taxonomy().structures}
    for number in numbers:
        image_zyx, labels = (paint if painter is None else painter)(seed, number)
        scan_id = store.scans.write(image_zyx, grid, {})
        maps = {
            layer: store.labels.write(labels_zyx, scan_id, layer, grid)
            for layer, labels_zyx in labels.items()
        }
        case = f"tiny-{number:06d}"
        scan = Scan(
            scan_id=scan_id,
            patient=scan_id,
            case=case,
            source="tiny",
            grid=grid,
            source_axes="RAS",
            source_affine=grid.affine,
            fold=0,
        )
        stored = StoredCase(scan=scan, label_maps=maps, states=states, findings=())
        yield IngestedCase(case=case, stored=stored)


def store_model(url: str, version: DatasetVersion) -> ModelDocument:
    """Two fold models that give every voxel the structure of the nearest grey value."""
    store, layout = Workspace.open(url), channels()
    weights = Weights.of(_linear(layout), layout.names).to_bytes()
    paths = tuple(f"models/{KEY}/fold_{fold}.safetensors" for fold in range(store.document.folds))
    for path in paths:
        store.files.write_bytes(path, weights)
    document = ModelDocument(
        key=KEY,
        taxonomy_version=str(load_taxonomy().version),
        channels=layout.names,
        network=NETWORK,
        input=INPUT,
        folds=paths,
        round=0,
        dataset_version=version.number,
        code_version=datetime.now(UTC).date().isoformat(),
    )
    store.write_document(document.path, document)
    return document


def _linear(layout: Channels) -> Segmenter:
    """The grey value goes through untouched; logits are minus its squared distance from each
    structure's, less what is the same for all."""
    network = build_network(NETWORK, layout, seed=0)
    width = NETWORK.width
    grey = torch.tensor([float(i) for layer in layout.layers for i in layer.ids]) * STEP_HU
    grey = (grey - WINDOW_HU[0]) / (WINDOW_HU[1] - WINDOW_HU[0])
    sharpness = SHARPNESS * ((WINDOW_HU[1] - WINDOW_HU[0]) / STEP_HU) ** 2
    with torch.no_grad():
        for conv in (network.way_in, network.way_out):
            conv.weight.zero_()
            if conv.bias is not None:
                conv.bias.zero_()
        network.way_in.weight[0, 0, 1, 1, 1] = 1.0
        network.way_out.weight[0, width, 1, 1, 1] = 1.0
        network.head.weight.zero_()
        network.head.weight[:, 0, 0] = 2 * sharpness * grey
        network.head.bias[:, 0] = -sharpness * grey**2
    return network
