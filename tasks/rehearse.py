"""Rehearsal: the expert practises on masks whose truth is known."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.judge.expert.standins import agreeing_masks
from scalemai_core.judge.judgement import judged_rows
from scalemai_core.judge.side import Side, States
from scalemai_core.learn.predict.predictor import Prediction
from scalemai_core.measure.agreement import dice_by_structure
from scalemai_core.records.annotation import Origin, State
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.records.scan import GoldRole, Scan
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.store.workspace import Workspace
from scalemai_core.synthesize.degrade import degrade
from scalemai_core.synthesize.faults import DegradeSettings
from scalemai_core.taxonomy.taxonomy import NUM_IDS, load_taxonomy
from tasks.dataset import LabelledScan, dataset, labelled_scans, model_before
from tasks.models import fold_predictor
from tasks.shards import Rows, run_shard

log = logging.getLogger("scalemai.rehearse")

STAND_INS = "stand-ins"
"""Table of the masks that stand in for gold: scan and structure."""

PRACTICE_ROLES = (GoldRole.FIT, GoldRole.SELECT)

Labels = Mapping[Layer, LabelsZYX]


@task(task_run_name="choose what to practise on", cache_policy=NO_CACHE)
def choose_practice(inputs: StageInputs, judged: Iterable[pl.DataFrame]) -> tuple[str, ...]:
    """Gold scans; where they are too few, scans with masks that agree with their prediction."""
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    settings = plan.settings.expert
    scans = dataset(inputs.workspace, inputs.version).values()
    gold = [scan for scan in scans if scan.gold in PRACTICE_ROLES]
    fit = {scan.patient for scan in gold if scan.gold is GoldRole.FIT}
    if len(fit) >= settings.min_patients:
        return tuple(sorted(scan.scan_id for scan in gold))
    tables = store.round(plan.number)
    if not tables.has(STAND_INS):
        tables.write(STAND_INS, agreeing_masks(judged, settings, plan.settings.seed))
    chosen = tables.read(STAND_INS)
    log.info("no gold to practise on: %d agreeing masks stand in", chosen.height)
    return tuple(chosen["scan_id"].unique().sort().to_list())


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def rehearse_shard(inputs: StageInputs, shard: Shard) -> ShardSummary:
    """Judge degraded copies of trusted masks, and what another model saw there.

    Every look is beside the prediction of a model that never saw the patient.
    """
    store = Workspace.open(inputs.workspace)
    cases = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)
    settings, model = inputs.plan.settings, inputs.model

    def work(scan_id: str) -> Rows:
        case = cases[scan_id]
        true = case.labels(store)
        trusted = _trusted(store, inputs, case)
        copies = _copies(case, true, settings)
        image_zyx = store.scans.read(scan_id)
        rows: Rows = []
        for fold in _unseeing(case.scan, len(model.folds)):
            predictor = fold_predictor(
                inputs.workspace, model, fold, settings.compute, out_of_fold=True
            )
            looked_at = [*copies, *_seen_before(inputs, case, image_zyx, fold)]
            prediction = predictor.predict(
                image_zyx,
                case.scan.grid,
                settings.predict,
                beside=[copy.labels for copy in looked_at],
            )
            looks = _looks(case.scan, image_zyx, true, looked_at, prediction, settings)
            rows += [
                {**row, "look": f"{fold}-{row['look']}"}
                for row in looks
                if row["structure"] in trusted
            ]
        role = case.scan.gold.value if case.scan.gold else "stand_in"
        return [{**row, "role": role, "patient": case.scan.patient} for row in rows]

    return run_shard(store, shard, work)


def _trusted(store: Workspace, inputs: StageInputs, case: LabelledScan) -> frozenset[str]:
    """Structures whose mask stands for the truth."""
    if case.scan.gold is not None:
        return frozenset(
            name
            for name, annotation in case.annotations.items()
            if annotation.origin is Origin.GOLD and annotation.state is not State.UNKNOWN
        )
    chosen = store.round(inputs.plan.number).read(STAND_INS)
    return frozenset(chosen.filter(pl.col("scan_id") == case.scan.scan_id)["structure"])


def _unseeing(scan: Scan, num_folds: int) -> Sequence[int]:
    """Gold trains no model, so that every fold model predicts it out of fold."""
    return range(num_folds) if scan.gold else (scan.fold,)


@dataclass(frozen=True, slots=True)
class Copy:
    """Label maps as a careless source would deliver them."""

    labels: Labels
    states: dict[str, State]
    faults: dict[str, str]
    """Structure -> kind of fault."""
    origin: Origin = Origin.SOURCE


def _copies(case: LabelledScan, true: Labels, settings: EngineSettings) -> list[Copy]:
    """The masks as they are, then degraded copies; each scan draws from its own generator."""
    seed = zlib.crc32(case.scan.scan_id.encode())
    noise = DegradeSettings(fault_share=settings.expert.fault_share)
    copies = [Copy(true, case.states, {})]
    for index in range(settings.expert.copies):
        rng = np.random.default_rng([settings.seed, seed, index])
        degraded = degrade(true, case.scan.grid, rng, noise)
        states = _stated(case.states, degraded.labels, degraded.unknown)
        faults = {fault.structure: fault.kind.value for fault in degraded.faults}
        copies.append(Copy(degraded.labels, states, faults))
    return copies


def _seen_before(
    inputs: StageInputs, case: LabelledScan, image_zyx: ImageZYX, fold: int
) -> list[Copy]:
    """What a model before this one saw, or another fold of it: masks that replaced annotations.

    None where every such model has learned from the scan.
    """
    workspace, settings, model = inputs.workspace, inputs.plan.settings, inputs.model
    earlier = model_before(Workspace.open(workspace), model)
    if earlier is None:
        if case.scan.gold is None or len(model.folds) == 1:
            return []
        earlier, fold = model, (fold + 1) % len(model.folds)
    predictor = fold_predictor(workspace, earlier, fold, settings.compute, out_of_fold=True)
    seen = predictor.predict(image_zyx, case.scan.grid, settings.predict)
    states = _stated(case.states, seen.labels, ())
    return [Copy(seen.labels, states, {}, Origin.MODEL)]


def _stated(states: dict[str, State], labels: Labels, unknown: tuple[str, ...]) -> dict[str, State]:
    """What a source would state with these labels: absent where its file is empty."""
    taxonomy = load_taxonomy()
    used = [np.bincount(labels_zyx.ravel(), minlength=NUM_IDS) for labels_zyx in labels.values()]
    shown = taxonomy.unions @ np.sum(used, axis=0)[:NUM_IDS] > 0
    return {
        name: (
            State.UNKNOWN
            if name in unknown
            else State.ABSENT
            if state is State.PRESENT and not shown[taxonomy[name].id]
            else state
        )
        for name, state in states.items()
    }


def _looks(
    scan: Scan,
    image_zyx: ImageZYX,
    true: Labels,
    copies: Sequence[Copy],
    prediction: Prediction,
    settings: EngineSettings,
) -> Rows:
    """A row a structure and copy: its judgement, the model's numbers, and both true Dice."""
    taxonomy = load_taxonomy()
    predicted_dice = dice_by_structure(true, prediction.labels, taxonomy)
    rows: Rows = []
    predicted = Side.unstated(scan, image_zyx, prediction.labels, settings.judge)
    for look, (copy, evidence) in enumerate(zip(copies, prediction.evidence, strict=True)):
        dice = dice_by_structure(true, copy.labels, taxonomy)
        stated = States.of(copy.states)
        side = Side.of(scan, image_zyx, copy.labels, stated, settings.judge)
        beside = predicted.stated(stated.as_predicted(), settings.judge)
        for row in judged_rows(scan, copy.states, side, beside):
            name = row["structure"]
            seen = evidence.get(name)
            rows.append(
                {
                    **row,
                    **(seen.model_dump() if seen else {}),
                    "origin": copy.origin.value,
                    "look": look,
                    "fault": copy.faults.get(name),
                    "true_dice_current": _both_empty_is_right(dice[name]),
                    "true_dice_prediction": _both_empty_is_right(predicted_dice[name]),
                }
            )
    return rows


def _both_empty_is_right(dice: float | None) -> float:
    return 1.0 if dice is None else dice
