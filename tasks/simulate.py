"""The reader that a truth stands in for: answers a round's questions as a person would."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.judge.lesions.detect import known_sites
from scalemai_core.measure.agreement import dice_by_structure
from scalemai_core.measure.detection.match import HitCriterion, Role, match
from scalemai_core.measure.detection.meeting import Meeting
from scalemai_core.records.decision import Candidate
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.review import ItemKind, ReviewItem, Verdict
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.review.simulated import Answer, answer, answer_lesion
from scalemai_core.store import tables
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.components import components
from scalemai_core.volume.resample import resample_labels
from tasks.candidates import stored_candidates
from tasks.dataset import LabelledScan, labelled_scans
from tasks.review import answer_entry, open_queue
from tasks.shards import Rows, run_shard
from tasks.truth import Truth, read_truth

SIMULATED_READER = "simulated"


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
        for verdict in verdicts:
            queue.record(answer_entry(verdict))
        return rows

    return run_shard(store, shard, work)


def _answers(
    store: Workspace,
    case: LabelledScan,
    items: list[ReviewItem],
    truth: Truth,
    inputs: StageInputs,
) -> list[Verdict]:
    """Of masks whose truth is known, and of lesion candidates."""
    true_labels, _ = truth
    current_dice = dice_by_structure(true_labels, case.labels(store), load_taxonomy())
    masks = [item for item in items if item.kind is not ItemKind.LESION]
    lesions = [item for item in items if item.kind is ItemKind.LESION]
    verdicts = [
        _on_mask(store, case, item, current_dice[item.structure], truth, inputs)
        for item in masks
        if item.structure in current_dice
    ]
    if lesions:
        true_ids = _true_candidates(store, case, true_labels, inputs)
        known = _known_lesions(truth, inputs)
        verdicts += [
            _on_lesion(item, true_ids, inputs) for item in lesions if item.structure in known
        ]
    return verdicts


def _on_mask(
    store: Workspace,
    case: LabelledScan,
    item: ReviewItem,
    current_dice: float | None,
    truth: Truth,
    inputs: StageInputs,
) -> Verdict:
    true_labels, name = truth[0], item.structure
    rival = _rival(store, case, item, inputs)
    said = answer(
        current_dice,
        dice_by_structure(true_labels, rival, load_taxonomy())[name],
        inputs.plan.settings.review,
        _rng(item, inputs),
        rival=item.rival,
        may_draw=item.kind is ItemKind.CHOOSE,
    )
    label_map = None
    if said.choice is Candidate.READER:
        label_map = _draw(store, case, name, true_labels)
    elif said.choice is not Candidate.CURRENT:
        label_map = item.rival_map
    return _verdict(item, said, label_map)


def _on_lesion(item: ReviewItem, true_ids: frozenset[str], inputs: StageInputs) -> Verdict:
    settings = inputs.plan.settings
    is_lesion = item.candidate_id in true_ids
    said = answer_lesion(is_lesion=is_lesion, settings=settings.review, rng=_rng(item, inputs))
    return _verdict(item, said, None)


def _known_lesions(truth: Truth, inputs: StageInputs) -> frozenset[str]:
    """Lesions of the sites of which the truth says everything."""
    sites = known_sites(truth[1], inputs.model.channels.get(Layer.LESIONS, ()))
    return frozenset(name for site in sites for name in site.lesions)


def _true_candidates(
    store: Workspace, case: LabelledScan, true_labels: dict[Layer, LabelsZYX], inputs: StageInputs
) -> frozenset[str]:
    """Ids of the candidates in which a reader would see a lesion."""
    settings = inputs.plan.settings.lesions
    found = stored_candidates(store, case, inputs.model, settings)
    if found is None or Layer.LESIONS not in true_labels:
        return frozenset()
    lesions_zyx, _ = components(true_labels[Layer.LESIONS] > 0)
    candidates_zyx = resample_labels(found.components_zyx, case.scan.grid.shape_zyx)
    meeting = Meeting.of_arrays(lesions_zyx, candidates_zyx, case.scan.grid.spacing_mm_zyx)
    seen = {
        number
        for criterion in (HitCriterion.IOU, HitCriterion.CENTRE)
        for number, role in match(meeting, criterion).role_of.items()
        if role is not Role.FALSE_POSITIVE
    }
    return frozenset(one.candidate_id for one in found.found if one.number in seen)


def _rng(item: ReviewItem, inputs: StageInputs) -> np.random.Generator:
    seed = inputs.plan.settings.seed
    return np.random.default_rng([seed, zlib.crc32(item.item_id.encode())])


def _verdict(item: ReviewItem, said: Answer, label_map: str | None) -> Verdict:
    return Verdict(
        item_id=item.item_id,
        round=item.round,
        scan_id=item.scan_id,
        structure=item.structure,
        reader=SIMULATED_READER,
        choice=said.choice,
        label_map=label_map,
        base_label_map=item.base_label_map,
        seconds=said.seconds,
        created=datetime.now(UTC),
    )


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
