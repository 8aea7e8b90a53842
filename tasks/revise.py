"""Revision: decisions and verdicts become label maps, and those a dataset version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.records.annotation import Annotation
from scalemai_core.records.columns import Columns, joined
from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.review import Verdict
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.catalog.rebase import commit_revision
from scalemai_core.store.versions.resolution import Decided, Revision
from scalemai_core.store.versions.revision import revise_scan
from scalemai_core.store.workspace import Workspace
from tasks.claim import check_claim
from tasks.dataset import labelled_scans
from tasks.decide import DECISIONS
from tasks.lesion_answers import LesionAnswers
from tasks.lesion_masks import lesion_masks
from tasks.shards import run_shard
from tasks.stage import stage_rows
from tasks.verdicts import KEY, verdicts_of_round

DECIDED = (
    *(*KEY, "action", "otherwise"),
    *("candidate", "candidate_map", "reason", "quality"),
)
"""Columns of a decision that say what is to be done."""


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def revise_shard(inputs: StageInputs, shard: Shard, *, answered: bool) -> ShardSummary:
    """Write a shard's corrected label maps; its rows are the annotations after the round.

    Before people have ``answered``, only the automatic decisions are carried out: what an audit
    looks at. Scans of which nobody said anything then stay as they were composed.
    """
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    cases = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)
    decided_rows = store.round(plan.number).read(DECISIONS, shard.scan_ids, DECIDED)
    decisions = decided_rows.partition_by("scan_id", as_dict=True)
    verdicts = verdicts_of_round(store, plan, shard.scan_ids) if answered else ()
    composed = _composed(inputs, shard, verdicts) if answered else {}
    told = LesionAnswers.of_round(store, plan.number, verdicts, shard.scan_ids)
    of_lesions = told.by_scan(shard.scan_ids)

    def work(scan_id: str) -> list[Columns]:
        answers = of_lesions[scan_id]
        if (done := composed.get((scan_id,))) is not None and not answers.asked:
            return [done.to_dict(as_series=False)]
        case, rows = cases[scan_id], decisions.get((scan_id,))
        decided = {} if rows is None else _decided(rows)
        decided, on_lesions = lesion_masks(store, inputs, case, decided, answers)
        on_masks = {v.structure: v for v in verdicts if v.scan_id == scan_id and v.on_mask}
        revision = Revision(
            scan=case.scan,
            annotations=case.annotations,
            decisions=decided,
            verdicts=on_lesions | on_masks,
            model=inputs.model.key,
            round=plan.number,
        )
        return [_columns(revise_scan(store, revision))]

    return run_shard(store, shard, work, joined)


@task(task_run_name="commit the dataset version", cache_policy=NO_CACHE)
def commit_round(inputs: StageInputs, revised: Iterable[pl.DataFrame]) -> DatasetVersion:
    """One new dataset version; scans that could not be revised keep what they had.

    Raises ClaimLostError where another process plays the round by now.
    """
    catalog = Workspace.open(inputs.workspace).catalog
    check = partial(check_claim, inputs.workspace, inputs.claim)
    return commit_revision(catalog, inputs.version, revised, inputs.plan.number, check)


def _columns(annotations: Sequence[Annotation]) -> Columns:
    rows = [annotation.model_dump(mode="json") for annotation in annotations]
    return {field: [row[field] for row in rows] for field in Annotation.model_fields}


def _composed(
    inputs: StageInputs, shard: Shard, verdicts: Sequence[Verdict]
) -> dict[tuple[object, ...], pl.DataFrame]:
    """Rows of the scans of which nobody said anything: they are as they were composed before."""
    rows = stage_rows("compose", inputs, shard.scan_ids)
    if not rows.height:
        return {}
    said = sorted({verdict.scan_id for verdict in verdicts})
    unsaid = rows.filter(~pl.col("scan_id").is_in(said))
    return unsaid.partition_by("scan_id", as_dict=True)


def _decided(rows: pl.DataFrame) -> dict[str, Decided]:
    return {
        row["structure"]: Decided(
            action=Action(row["action"]),
            otherwise=Action(row["otherwise"]),
            candidate=Candidate(row["candidate"]),
            label_map=row["candidate_map"],
            reason=row["reason"],
            quality=row["quality"],
        )
        for row in rows.iter_rows(named=True)
    }
