"""A truth given for simulation and measuring: cases of a SOURCE with the names of stored cases."""

from __future__ import annotations

import logging
from functools import lru_cache

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.errors import RejectedInput, UsageError
from scalemai_core.intake.case import CaseFiles
from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.measure.agreement import dice_by_structure
from scalemai_core.records.annotation import State
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.scan import Scan
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.dataset import LabelledScan, labelled_scans
from tasks.shards import Rows, run_shard

log = logging.getLogger("scalemai.truth")

Truth = tuple[dict[Layer, LabelsZYX], dict[str, State]]


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def score_shard(
    inputs: StageInputs, shard: Shard, after: DatasetVersion, truth: str
) -> ShardSummary:
    """Dice of a shard's annotations to the truth, before and after the round."""
    store = Workspace.open(inputs.workspace)
    old = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)
    new = labelled_scans(inputs.workspace, after, shard.scan_ids)

    def work(scan_id: str) -> Rows:
        found = read_truth(truth, new[scan_id].scan)
        return [] if found is None else _score(store, old[scan_id], new[scan_id], found)

    return run_shard(store, shard, work)


def refuse_foreign_truth(inputs: StageInputs, scan_ids: tuple[str, ...], truth: str) -> None:
    """Raise UsageError where a truth knows none of these scans.

    A stage works a scan once: what a wrong truth left unanswered, no right one would answer.
    """
    scans = labelled_scans(inputs.workspace, inputs.version, scan_ids).values()
    if scans and not any(one.scan.case in _cases(truth) for one in scans):
        raise UsageError(
            f"{truth} has none of the {len(scans)} cases that are asked about: "
            "give the SOURCE whose cases have the same names"
        )


def read_truth(truth: str, scan: Scan) -> Truth | None:
    """Label maps and states of the truth's case of the same name; None if it has none that fits."""
    files = _cases(truth).get(scan.case)
    if files is None:
        log.warning("the truth has no case named %s", scan.case)
        return None
    try:
        case = read_case(files, None)
    except RejectedInput as error:
        log.warning("the truth of %s cannot be read: %s", scan.case, error)
        return None
    if case.grid.shape_zyx != scan.grid.shape_zyx:
        log.warning("the truth of %s lies on another grid", scan.case)
        return None
    return case.labels, case.states


@lru_cache(maxsize=2)
def _cases(truth: str) -> dict[str, CaseFiles]:
    return {files.case: files for files in open_source(truth).cases}


def _score(store: Workspace, old: LabelledScan, new: LabelledScan, truth: Truth) -> Rows:
    true_labels, states = truth
    taxonomy = load_taxonomy()
    dice_before = dice_by_structure(true_labels, old.labels(store), taxonomy)
    dice_after = dice_by_structure(true_labels, new.labels(store), taxonomy)
    rows: Rows = []
    for name, annotation in new.annotations.items():
        parts = taxonomy.children(name)
        derived = any(new.annotations[part.name].state is not State.UNKNOWN for part in parts)
        if name not in states or derived:
            continue
        rows.append(
            {
                "scan_id": new.scan.scan_id,
                "structure": name,
                "known_before": old.annotations[name].state is not State.UNKNOWN,
                "known_after": annotation.state is not State.UNKNOWN,
                "dice_before": _agreed(dice_before[name]),
                "dice_after": _agreed(dice_after[name]),
                "held": annotation.weight == 0.0,
            }
        )
    return rows


def _agreed(dice: float | None) -> float:
    """Both empty is right (method reference, section 0.3: 1 for routing)."""
    return 1.0 if dice is None else dice
