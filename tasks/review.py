"""Review: the queue, and the reader that a truth stands in for."""

from __future__ import annotations

import logging
import zlib
from datetime import UTC, datetime

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.measure.agreement import dice_by_structure
from scalemai_core.records.decision import Candidate
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.review import ItemKind, ReviewItem, Verdict
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.review.queue import Queue
from scalemai_core.review.simulated import answer
from scalemai_core.settings.judgement import ReviewSettings
from scalemai_core.store import tables
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.dataset import LabelledScan, labelled_scans
from tasks.decide import ITEMS
from tasks.shards import Rows, run_shard
from tasks.truth import Truth, read_truth
from tasks.verdicts import KEY, verdicts_of_round

log = logging.getLogger("scalemai.review")

SIMULATED_READER = "simulated"


def open_queue(store: Workspace, settings: ReviewSettings) -> Queue:
    """The queue of a workspace: the database that the settings name, else SQLite beside it."""
    if settings.database:
        return Queue(settings.database)
    folder = store.local_state
    folder.mkdir(parents=True, exist_ok=True)
    return Queue(f"sqlite:///{folder / 'queue.db'}")


@task(task_run_name="fill the review queue", cache_policy=NO_CACHE)
def fill_queue(inputs: StageInputs) -> tuple[ReviewItem, ...]:
    """Put the round's questions into the queue; returns those still open."""
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    queue = open_queue(store, plan.settings.review)
    decided = frozenset(verdict.item_id for verdict in verdicts_of_round(store, plan))
    queue.materialize(review_items(store, inputs), decided)
    still_open = queue.open_items(plan.number)
    log.info("review: %d questions open, %d answered", len(still_open), len(decided))
    return still_open


def review_items(store: Workspace, inputs: StageInputs) -> tuple[ReviewItem, ...]:
    """The questions and audits of a round, as the queue takes them."""
    plan = inputs.plan
    items = store.round(plan.number).read(ITEMS)
    maps = store.catalog.annotations(inputs.version).select(*KEY, base_label_map="label_map")
    return tuple(
        ReviewItem(
            item_id=f"{plan.number}-{row['scan_id']}-{row['candidate_id'] or row['structure']}",
            round=plan.number,
            prediction=inputs.model.key,
            **row,
        )
        for row in items.join(maps, on=KEY, how="left").iter_rows(named=True)
    )


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def simulate_shard(inputs: StageInputs, shard: Shard, truth: str) -> ShardSummary:
    """Let the truth answer a shard's questions, through the same verdicts a person would give."""
    store = Workspace.open(inputs.workspace)
    queue = open_queue(store, inputs.plan.settings.review)
    cases = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)
    items = [i for i in queue.open_items(inputs.plan.number) if i.scan_id in cases]

    def work(scan_id: str) -> Rows:
        own = [item for item in items if item.scan_id == scan_id]
        found = read_truth(truth, cases[scan_id].scan)
        if found is None:
            return []
        verdicts = _answers(store, cases[scan_id], own, found, inputs)
        rows = [verdict.model_dump(mode="json") for verdict in verdicts]
        store.catalog.append(
            "verdicts", [verdict.model_dump() for verdict in verdicts], tables.VERDICTS
        )
        queue.settle([verdict.item_id for verdict in verdicts])
        return rows

    return run_shard(store, shard, work)


def _answers(
    store: Workspace,
    case: LabelledScan,
    items: list[ReviewItem],
    truth: Truth,
    inputs: StageInputs,
) -> list[Verdict]:
    true_labels, _ = truth
    plan = inputs.plan
    taxonomy = load_taxonomy()
    current_dice = dice_by_structure(true_labels, case.labels(store), taxonomy)
    verdicts: list[Verdict] = []
    for item in items:
        name = item.structure
        if name not in current_dice:
            continue
        rng = np.random.default_rng([plan.settings.seed, zlib.crc32(item.item_id.encode())])
        said = answer(
            current_dice[name],
            dice_by_structure(true_labels, _rival(store, case, item, inputs), taxonomy)[name],
            plan.settings.review,
            rng,
            rival=item.rival,
            may_draw=item.kind is ItemKind.CHOOSE,
        )
        label_map = None
        if said.choice is Candidate.READER:
            label_map = _draw(store, case, name, true_labels)
        elif said.choice is not Candidate.CURRENT:
            label_map = item.rival_map
        verdicts.append(
            Verdict(
                item_id=item.item_id,
                round=plan.number,
                scan_id=item.scan_id,
                structure=name,
                reader=SIMULATED_READER,
                choice=said.choice,
                label_map=label_map,
                base_label_map=item.base_label_map,
                seconds=said.seconds,
                created=datetime.now(UTC),
            )
        )
    return verdicts


def _rival(
    store: Workspace, case: LabelledScan, item: ReviewItem, inputs: StageInputs
) -> dict[Layer, LabelsZYX]:
    """The layer that holds what is shown beside the current mask; an empty one is left out."""
    layer = load_taxonomy()[item.structure].layer
    if item.rival is Candidate.PREDICTION:
        predictions = store.predictions
        if not predictions.exists(inputs.model.key, case.scan.scan_id, layer):
            return {}
        return {layer: predictions.read(inputs.model.key, case.scan.scan_id, layer)}
    return {layer: store.labels.read(item.rival_map)} if item.rival_map else {}


def _draw(
    store: Workspace, case: LabelledScan, structure: str, true_labels: dict[Layer, LabelsZYX]
) -> str | None:
    """The true mask as a reader's own label map; None where the structure is not there."""
    taxonomy = load_taxonomy()
    layer = taxonomy[structure].layer
    labels_zyx = true_labels[layer]
    mask_zyx = np.isin(labels_zyx, taxonomy.member_ids(structure))
    if not mask_zyx.any():
        return None
    own_zyx = np.where(mask_zyx, labels_zyx, np.uint8(0))
    return store.labels.write(own_zyx, case.scan.scan_id, layer, case.scan.grid)
