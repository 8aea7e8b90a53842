"""What each fold model trains on; imports no torch, so that planning is cheap."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from scalemai_core.errors import UsageError
from scalemai_core.learn.channels import Channels
from scalemai_core.records.annotation import State
from scalemai_core.records.label_map import Layer
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.scan import Scan
from scalemai_core.records.training import ChannelNames, TrainingCase, TrainingPlan
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.store.ledger import step_key
from scalemai_core.taxonomy.taxonomy import Taxonomy

MIN_PATIENTS = 2
"""Labelled patients a fold needs; with fewer, one model trains on all and predicts in-sample."""
FORMAT = 1


def training_plans(
    workspace: str,
    scans: Sequence[Scan],
    annotations: pl.DataFrame,
    settings: EngineSettings,
    parent: ModelDocument | None,
    taxonomy: Taxonomy,
) -> tuple[TrainingPlan, ...]:
    """A plan a fold, or a single in-sample one where patients are too few.

    Gold never trains. A fold continues from its own predecessor in ``parent`` and from no other,
    so that a scan never meets a model that saw its patient. Raises UsageError without any label.
    """
    cases = training_cases(scans, annotations, taxonomy)
    if not cases:
        raise UsageError("no scan has a label to train on: ingest labelled scans that are not gold")
    fold_of = {scan.scan_id: scan.fold for scan in scans}
    channels = _channels(annotations, {case.scan_id for case in cases}, taxonomy)
    folds = _folds(cases, fold_of)
    key = step_key(
        format=FORMAT,
        cases=cases,
        channels=channels,
        network=settings.network,
        input=settings.input,
        train=settings.train,
        processes=settings.compute.train_processes,
        parent=parent.key if parent else None,
        seed=settings.seed,
    )
    return tuple(
        TrainingPlan(
            workspace=workspace,
            key=key,
            fold=fold,
            cases=tuple(c for c in cases if len(folds) == 1 or fold_of[c.scan_id] != fold),
            channels=channels,
            network=settings.network,
            input=settings.input,
            train=settings.train,
            seed=settings.seed + fold,
            init=_predecessor(parent, fold, len(folds), settings),
            device=settings.compute.device,
            threads=settings.compute.threads,
        )
        for fold in folds
    )


def training_cases(
    scans: Sequence[Scan], annotations: pl.DataFrame, taxonomy: Taxonomy
) -> tuple[TrainingCase, ...]:
    """The scans with at least one mask that may teach, gold left out."""
    silent = (pl.col("state") == State.UNKNOWN.value) | (pl.col("weight") == 0)
    by_scan = annotations.sort("scan_id", "structure").partition_by("scan_id", as_dict=True)
    cases: list[TrainingCase] = []
    for scan in sorted(scans, key=lambda scan: scan.scan_id):
        rows = by_scan.get((scan.scan_id,))
        if scan.gold is not None or rows is None:
            continue
        unknown = rows.filter(silent)["structure"]
        doubted = rows.filter(~silent & (pl.col("weight") < 1.0))
        teaching = rows.filter(~silent & (pl.col("state") == State.PRESENT.value))
        if not teaching.height:
            continue
        maps = dict(rows.select("structure", "label_map").iter_rows())
        label_maps = {
            layer: next((maps[s.name] for s in taxonomy.in_layer(layer) if maps.get(s.name)), None)
            for layer in Layer
        }
        cases.append(
            TrainingCase(
                scan_id=scan.scan_id,
                patient=scan.patient,
                grid=scan.grid,
                label_maps=label_maps,
                unknown=tuple(unknown),
                weights=dict(doubted.select("structure", "weight").iter_rows()),
            )
        )
    return tuple(cases)


def _channels(annotations: pl.DataFrame, scan_ids: set[str], taxonomy: Taxonomy) -> ChannelNames:
    teaching = annotations.filter(
        pl.col("scan_id").is_in(sorted(scan_ids))
        & (pl.col("state") == State.PRESENT.value)
        & (pl.col("weight") > 0)
    )
    return Channels.of(teaching["structure"].unique().sort().to_list(), taxonomy).names


def _folds(cases: Sequence[TrainingCase], fold_of: dict[str, int]) -> tuple[int, ...]:
    patients: dict[int, set[str]] = {}
    for case in cases:
        patients.setdefault(fold_of[case.scan_id], set()).add(case.patient)
    enough = len(patients) > 1 and min(map(len, patients.values())) >= MIN_PATIENTS
    return tuple(sorted(patients)) if enough else (0,)


def _predecessor(
    parent: ModelDocument | None, fold: int, num_folds: int, settings: EngineSettings
) -> str | None:
    same = (
        parent is not None
        and len(parent.folds) == num_folds
        and parent.network == settings.network
        and parent.input == settings.input
    )
    return parent.folds[fold] if parent is not None and same else None
