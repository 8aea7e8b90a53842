"""A small workspace with one object of every kind, and what may happen to them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl
from made_up_rounds import make_result
from made_up_scans import GRID, made_image, offered, painted

from scalemai_core.records.annotation import State
from scalemai_core.records.champion import Appointment
from scalemai_core.records.label_map import Layer
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.settings.learning import InputSettings, NetworkSettings
from scalemai_core.store.seal import OWN, UNSEALED, seal
from scalemai_core.store.versions.admission import admit, publish_admission
from scalemai_core.store.workspace import Workspace

CRITIC = "0123456789"
GIVEN_UP = "deadbeef00"
WHEN = datetime(2026, 3, 14, tzinfo=UTC)


@dataclass(frozen=True)
class Made:
    """A workspace and the names of what is in it."""

    store: Workspace
    versions: tuple[DatasetVersion, ...]
    scans: tuple[str, ...]
    label_maps: tuple[str, ...]
    orphan_scan: str
    orphan_map: str


def take_in(store: Workspace, name: str, seed: int, width: int) -> DatasetVersion:
    """A dataset version with one more scan."""
    case = offered(store, name, painted(liver=slice(0, width)), {"liver": State.PRESENT}, seed=seed)
    version = publish_admission(store, admit(store, [case], gold=False), f"ingestion of {name}")
    assert version is not None
    return version


def make(url: str) -> Made:
    """Two versions, a model, a champion, a finished round 1 and an unfinished round 2."""
    store = Workspace.create(url, patient_key="key")
    versions = (take_in(store, "a", 1, 3), take_in(store, "b", 2, 4))
    rows = store.catalog.annotations(versions[-1]).drop_nulls("label_map")
    scans = tuple(store.catalog.scans(versions[-1])["scan_id"])
    label_maps = tuple(rows["label_map"].unique().sort())
    store.label_index.write(label_maps[0], Layer.ANATOMY, GRID)
    write_model(store, CRITIC)
    write_rounds(store, scans)
    for scan in scans:
        layers = {Layer.ANATOMY: painted(liver=slice(0, 5))}
        store.predictions.write(CRITIC, scan, layers, GRID)
    orphan_scan = store.scans.write(made_image(77), GRID, {})
    orphan_map = store.labels.write(painted(spleen=slice(1, 9)), orphan_scan, Layer.ANATOMY, GRID)
    store.label_index.write(orphan_map, Layer.ANATOMY, GRID)
    return Made(store, versions, scans, label_maps, orphan_scan, orphan_map)


def write_model(store: Workspace, key: str) -> None:
    """A model of two folds with weights of a few numbers."""
    document = ModelDocument(
        key=key,
        taxonomy_version="1",
        channels={Layer.ANATOMY: ("liver",)},
        network=NetworkSettings(),
        input=InputSettings(),
        folds=(f"models/{key}/fold_0.safetensors", f"models/{key}/fold_1.safetensors"),
        round=1,
        dataset_version=1,
        code_version="0",
    )
    for path in document.folds:
        store.files.write_bytes(path, weights())
    store.write_document(document.path, document)
    champion = Appointment(
        version=1, key=key, before=None, by="round", person="x", round=1, reason="", moved=WHEN
    )
    store.appointments.append("20260314T000000.000000-1", champion)


def weights() -> bytes:
    """A safetensors file of one tensor."""
    tensor = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    head = json.dumps({"__metadata__": {OWN: json.dumps(UNSEALED)}, "w": tensor}).encode()
    return seal(len(head).to_bytes(8, "little") + head + np.arange(4, dtype="<f4").tobytes())


def write_rounds(store: Workspace, scans: Iterable[str]) -> None:
    """Round 1 has a result; round 2 has come as far as predicting."""
    store.write_document("rounds/1/result.json", make_result(number=1))
    for number in (1, 2):
        plan = RoundPlan(
            number=number,
            base_version=number,
            model_key=CRITIC,
            settings=EngineSettings(),
            code_version="0",
            started=WHEN,
        )
        store.write_document(f"rounds/{number}/plan.json", plan)
        rows = pl.DataFrame({"scan_id": list(scans), "rival_map": [None, None]})
        store.round(number).write("decisions", rows.cast({"rival_map": pl.String}))
        ledger = store.ledger(number, "predict", "aaaaaaaaaa")
        ledger.write(list(scans), pl.DataFrame({"scan_id": list(scans)}))
        store.files.write_bytes(f"rounds/{number}/predict-aaaaaaaaaa/killed.parquet", b"half")


def flip(store: Workspace, path: str, place: float = 0.5) -> None:
    """Change one bit of a stored document."""
    data = bytearray(store.files.read_bytes(path))
    data[int(len(data) * place)] ^= 1
    store.files.write_bytes(path, bytes(data))
