"""What each fold model trains on; imports no torch, so that planning is cheap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from scalemai_core.errors import UsageError
from scalemai_core.learn.channels import Channels
from scalemai_core.learn.teaching import training_cases
from scalemai_core.records.annotation import State
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.scan import Scan
from scalemai_core.records.stratum import Stratum
from scalemai_core.records.training import ChannelNames, TrainingCase, TrainingPlan
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.settings.learning import TrainSettings
from scalemai_core.store.documents.ledger import step_key
from scalemai_core.taxonomy.taxonomy import Taxonomy, load_taxonomy

MIN_PATIENTS = 2
"""Labelled patients a fold needs; with fewer, or none at all in a fold before the last one that has
some, one model trains on all and predicts in-sample."""
FORMAT = 3


def training_plans(
    workspace: str,
    scans: Sequence[Scan],
    annotations: pl.DataFrame,
    plan: RoundPlan,
    parent: ModelDocument | None,
    missed: tuple[Stratum, ...],
) -> tuple[TrainingPlan, ...]:
    """A plan a fold, or a single in-sample one where patients are too few; with ``train.refit``
    one more on all scans.

    Gold never trains. A fold continues from its own predecessor in ``parent`` and from no other,
    so that a scan never meets a model that saw its patient. Lesions of the strata ``missed`` are
    drawn more often. No plan where nothing may teach; without a ``parent`` to keep instead, that is
    a UsageError.
    """
    settings, taxonomy = plan.settings, load_taxonomy()
    cases = training_cases(scans, annotations, plan, taxonomy)
    if not cases and parent is not None:
        return ()
    if not cases:
        raise UsageError("no scan has a label to train on: ingest labelled scans that are not gold")
    fold_of = {scan.scan_id: scan.fold for scan in scans}
    channels = _channels(annotations, cases, taxonomy)
    folds = _folds(cases, fold_of)
    start = _Start(None if plan.number % settings.train.restart_every == 0 else parent, plan)
    key = _model_key(cases, channels, settings, start.key, missed)
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
            tumours=settings.tumours,
            missed=missed,
            seed=settings.seed + (len(folds) if fold is None else fold),
            init=start.weights(fold, len(folds)),
            device=settings.compute.device,
            threads=settings.compute.threads,
            feed_workers=settings.compute.feed_workers,
        )
        for fold in (*folds, *_refitted(folds, settings.train))
    )


def _model_key(
    cases: Sequence[TrainingCase],
    channels: ChannelNames,
    settings: EngineSettings,
    parent: str | None,
    missed: tuple[Stratum, ...],
) -> str:
    """Hash of all that decides the weights, but for rounding: neither device nor processes."""
    return step_key(
        format=FORMAT,
        cases=cases,
        channels=channels,
        network=settings.network,
        input=settings.input,
        train=settings.train,
        tumours=settings.tumours,
        missed=missed,
        parent=parent,
        seed=settings.seed,
    )


def _channels(
    annotations: pl.DataFrame, cases: Sequence[TrainingCase], taxonomy: Taxonomy
) -> ChannelNames:
    """Of every structure that some scan teaches: a channel never taught would say anything."""
    pairs = [(case.scan_id, name) for case in cases for name in case.unknown]
    silent = pl.DataFrame(pairs, schema=["scan_id", "structure"], orient="row")
    silent = silent.cast({"scan_id": pl.String, "structure": pl.String})
    teaching = annotations.filter(
        pl.col("scan_id").is_in([case.scan_id for case in cases])
        & (pl.col("state") == State.PRESENT.value)
    ).join(silent, on=["scan_id", "structure"], how="anti")
    return Channels.of(teaching["structure"].unique().sort().to_list(), taxonomy).names


def _folds(cases: Sequence[TrainingCase], fold_of: dict[str, int]) -> tuple[int, ...]:
    patients: dict[int, set[str]] = {}
    for case in cases:
        patients.setdefault(fold_of[case.scan_id], set()).add(case.patient)
    enough = len(patients) > 1 and min(map(len, patients.values())) >= MIN_PATIENTS
    # A model is found by its fold's number: were one left out, the next would take its place, and
    # predict patients that it has seen.
    gapless = len(patients) == max(patients) + 1
    return tuple(sorted(patients)) if enough and gapless else (0,)


def _refitted(folds: Sequence[int], settings: TrainSettings) -> tuple[None, ...]:
    """The model on all scans, unless the only fold model is that one."""
    return (None,) if settings.refit and len(folds) > 1 else ()


@dataclass(frozen=True, slots=True)
class _Start:
    """Which earlier weights a training may go on from."""

    parent: ModelDocument | None
    plan: RoundPlan

    @property
    def key(self) -> str | None:
        """Key of the model whose weights they are."""
        return self.parent.key if self.parent else None

    def weights(self, fold: int | None, num_folds: int) -> str | None:
        """The same fold's weights in the same network; None starts from scratch."""
        parent, settings = self.parent, self.plan.settings
        if (
            parent is None
            or len(parent.folds) != num_folds
            or parent.network != settings.network
            or parent.input != settings.input
        ):
            return None
        return parent.refit if fold is None else parent.folds[fold]
