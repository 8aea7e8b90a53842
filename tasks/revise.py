"""Revision: decisions and verdicts become label maps, and those a dataset version."""

from __future__ import annotations

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store import tables
from scalemai_core.store.resolution import Decided, Revision
from scalemai_core.store.revision import revise_scan
from scalemai_core.store.workspace import Workspace
from tasks.dataset import labelled_scans
from tasks.decide import DECISIONS
from tasks.lesion_answers import LesionAnswers
from tasks.lesion_masks import lesion_masks
from tasks.shards import Rows, run_shard
from tasks.verdicts import verdicts_of_round


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def revise_shard(inputs: StageInputs, shard: Shard, *, answered: bool) -> ShardSummary:
    """Write a shard's corrected label maps; its rows are the annotations after the round.

    Before people have ``answered``, only the automatic decisions are carried out: what an audit
    looks at.
    """
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    cases = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)
    decisions = store.round(plan.number).read(DECISIONS).partition_by("scan_id", as_dict=True)
    verdicts = verdicts_of_round(store, plan) if answered else ()
    of_lesions = LesionAnswers.of_round(store, plan.number, verdicts)

    def work(scan_id: str) -> Rows:
        case, rows = cases[scan_id], decisions.get((scan_id,))
        answers = of_lesions.of_scan(scan_id)
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
        return [annotation.model_dump(mode="json") for annotation in revise_scan(store, revision)]

    return run_shard(store, shard, work)


@task(task_run_name="commit the dataset version", cache_policy=NO_CACHE)
def commit_round(inputs: StageInputs, revised: pl.DataFrame) -> DatasetVersion:
    """One new dataset version; scans that could not be revised keep what they had."""
    store, plan, version = Workspace.open(inputs.workspace), inputs.plan, inputs.version
    done = next((v for v in store.catalog.versions() if v.round == plan.number), None)
    if done is not None:
        return done
    before = store.catalog.annotations(version)
    annotations = (
        pl.concat(
            [
                before.filter(~pl.col("scan_id").is_in(revised["scan_id"].unique().to_list())),
                revised.select(tables.ANNOTATIONS.names()).cast(tables.ANNOTATIONS),
            ]
        )
        if revised.height
        else before
    )
    return store.catalog.commit(
        base=version,
        scans=store.catalog.scans(version),
        annotations=annotations,
        round_number=plan.number,
        message=f"round {plan.number}",
    )


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
