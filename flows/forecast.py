"""What a round over a workspace's scans, or over many more, takes: ``scalemai plan``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import polars as pl

from scalemai_core.forecast.assumed import STAGES, STORAGE, assumed_rates
from scalemai_core.forecast.measured import with_paces, with_review, with_training
from scalemai_core.forecast.reckon import reckon
from scalemai_core.records.forecast import Forecast, Rates, Site, StorageRate, Work
from scalemai_core.records.pace import Pace
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.scan import Scan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.store.arrays.ome import LEVEL
from scalemai_core.store.arrays.stored_array import SHARD
from scalemai_core.store.catalog.rows import scans_of
from scalemai_core.store.workspace import Workspace
from tasks.pace import round_paces
from tasks.round import finished_rounds, last_round, plan_path

SAMPLE = 32
"""Scans whose stored size is looked up."""
GPU_STAGES = frozenset(stage.stage for stage in STAGES if stage.gpu)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the forecast is asked for; None takes what the workspace holds."""

    scans: int | None
    voxels: int | None


def forecast(
    workspace: str, settings: EngineSettings, wanted: Wanted, site: Site, seed: int
) -> Forecast:
    """A round reckoned with the rates that this workspace has measured, and assumed ones."""
    store = Workspace.open(workspace)
    latest = store.catalog.latest()
    scans = [] if latest is None else list(scans_of(store.catalog.scans(latest)))
    rounds = finished_rounds(store)
    gpu = site.gpus > 0
    rates = assumed_rates(settings, store.document.folds, first=not rounds, gpu=gpu)
    paces = {number: _paces(store, number, gpu=gpu) for number in range(last_round(store) + 1)}
    voxels = float(np.mean([prod(scan.grid.shape_zyx) for scan in scans])) if scans else 0.0
    if latest is not None and scans:
        rates = with_paces(rates, paces, voxels)
        rates = rates.model_copy(update={"storage": _storage(store, latest, scans, rates)})
    rates = with_review(with_training(rates, paces), rounds)
    work = Work(
        scans=wanted.scans or len(scans),
        voxels=float(wanted.voxels or voxels or rates.voxels),
        left=_left(paces, len(rounds)) if wanted.scans is None else {},
    )
    return reckon(work, site, rates, np.random.default_rng(seed))


def _paces(store: Workspace, number: int, *, gpu: bool) -> tuple[Pace, ...]:
    """A round's paces; what cores did says nothing of GPUs."""
    told = round_paces(store, number)
    document = store.read_json(plan_path(number)) if number else None
    if document is None:
        return told
    compute = RoundPlan.model_validate(document).settings.compute
    had_gpus = compute.device == "cuda" or bool(compute.gpu_resource)
    if had_gpus == gpu:
        return told
    return tuple(p for p in told if p.unit == "scans" and p.stage not in GPU_STAGES)


def _left(paces: Mapping[int, Sequence[Pace]], num_finished: int) -> dict[str, float]:
    """Of the round that is not finished, the share of each stage that is; ingestion is over."""
    newest = max(paces)
    left = {"ingest": 0.0}
    if newest > num_finished:
        for pace in paces[newest]:
            left[pace.stage] = 1.0 - pace.share
    return left


def _storage(
    store: Workspace, version: DatasetVersion, scans: Sequence[Scan], rates: Rates
) -> StorageRate:
    """Bytes a voxel of some stored scans and their label maps."""
    some = [scans[n] for n in np.linspace(0, len(scans) - 1, min(SAMPLE, len(scans))).astype(int)]
    voxels = sum(prod(scan.grid.shape_zyx) for scan in some)
    image = sum(_bytes(store, "scans", scan.scan_id) for scan in some)
    if not image:
        return STORAGE
    ids = [scan.scan_id for scan in some]
    maps = store.catalog.annotations(version, ids).filter(pl.col("label_map").is_not_null())
    labels = sum(_bytes(store, "labels", name) for name in maps["label_map"].unique())
    return StorageRate(
        image=image / voxels,
        labels=labels / voxels if labels else rates.storage.labels,
        source="measured",
    )


def _bytes(store: Workspace, folder: str, name: str) -> int:
    return store.files.size(f"{folder}/{name}.ome.zarr/{LEVEL}/{SHARD}")
