"""What gold says of a new model and lesions: its operating points, and what they find."""

from __future__ import annotations

import logging

import numpy as np
import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.judge.lesions.measured import measure_detection
from scalemai_core.judge.lesions.selected import beside, found_in_select
from scalemai_core.records.detection import DetectionReport, lesions_path
from scalemai_core.records.label_map import Layer
from scalemai_core.records.scan import GoldRole
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.store.workspace import Workspace
from tasks.candidates import compare, find_in, lesion_labels
from tasks.comparisons import as_rows, detections_of
from tasks.dataset import labelled_scans
from tasks.lesions import words_of
from tasks.models import ensemble
from tasks.round import scans_of_gold
from tasks.shards import Rows, run_shard

log = logging.getLogger("scalemai.detection")

COMPARED = (GoldRole.FIT, GoldRole.SELECT)
"""Gold that chooses operating points, and gold by which two models are compared at them."""


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def detect_shard(inputs: StageInputs, shard: Shard) -> ShardSummary:
    """Candidates of the ensemble beside the lesions of gold."""
    store, settings = Workspace.open(inputs.workspace), inputs.plan.settings
    cases = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)
    predictor = ensemble(inputs.workspace, inputs.model, settings.compute)

    def work(scan_id: str) -> Rows:
        case = cases[scan_id]
        image_zyx = store.scans.read(scan_id)
        prediction = predictor.predict(image_zyx, case.scan.grid, settings.predict)
        if prediction.lesions is None:
            return []
        labels, seen = lesion_labels(store, case), prediction.labels
        candidates = find_in(case, prediction.lesions, labels, seen, settings.lesions)
        return as_rows(compare(case, candidates, labels, seen, inputs.model))

    return run_shard(store, shard, work)


def detection_scans(inputs: StageInputs) -> tuple[str, ...]:
    """Gold on which a model that knows lesions is measured; ``test`` where that is open."""
    opened = (GoldRole.TEST,) if inputs.plan.settings.evaluate.open_test else ()
    return _known_lesions(inputs, (*COMPARED, *opened))


def champion_detection_scans(inputs: StageInputs) -> tuple[str, ...]:
    """Gold on which a champion that knows lesions is compared."""
    return _known_lesions(inputs, COMPARED)


def _known_lesions(inputs: StageInputs, roles: tuple[GoldRole, ...]) -> tuple[str, ...]:
    """Gold of these roles for a model that knows lesions; none for another."""
    return scans_of_gold(inputs, roles) if Layer.LESIONS in inputs.model.channels else ()


def lesions_beside(
    inputs: StageInputs,
    compared: pl.DataFrame,
    champion: pl.DataFrame | None,
    unseen: frozenset[str] = frozenset(),
) -> pl.DataFrame:
    """Lesions of gold ``select`` and what either model finds of them, for ``promote``.

    Scans ``unseen`` were set aside when the champion looked: they compare nothing.
    """
    settings = inputs.plan.settings.lesions
    new = found_in_select(detections_of(compared), settings)
    new = new.filter(~pl.col("scan_id").is_in(sorted(unseen)))
    rows = () if champion is None else detections_of(champion)
    return beside(new, found_in_select(rows, settings))


@task(task_run_name="measure lesion detection", cache_policy=NO_CACHE)
def measure_lesions(
    inputs: StageInputs, compared: pl.DataFrame, reported: pl.DataFrame
) -> DetectionReport:
    """Choose the model's operating points, measure them, and store both beside its weights."""
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    rng = np.random.default_rng([plan.settings.seed, plan.number])
    rows, words = detections_of(compared), words_of(reported)
    report = measure_detection(inputs.model.key, rows, words, plan.settings.lesions, rng)
    store.write_document(lesions_path(inputs.model.key), report)
    for site in report.sites:
        found = site.before_reports.sensitivity
        log.info("lesions of %s: %d of %d in gold test", site.point.site, found.found, found.total)
    return report


def detection_report(store: Workspace, model_key: str) -> DetectionReport | None:
    """What gold says of a stored model and lesions; None where nobody measured it."""
    document = store.read_json(lesions_path(model_key))
    return None if document is None else DetectionReport.model_validate(document)
