"""Decision: one table over all judgements, the review budget, and the revised label maps."""

from __future__ import annotations

import io

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.judge.budget import allowance, spend_budget
from scalemai_core.judge.decide import decide
from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.review import ItemKind, ReviewItem, Verdict
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store import tables
from scalemai_core.store.resolution import Decided, Revision
from scalemai_core.store.revision import revise_scan
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.dataset import labelled_scans
from tasks.shards import Rows, run_shard

KNOWN = [State.PRESENT.value, State.ABSENT.value]


@task(task_run_name="decide every annotation", cache_policy=NO_CACHE)
def decide_round(inputs: StageInputs, judgements: pl.DataFrame) -> None:
    """Run the decision table, spend the review budget, store decisions and items whole."""
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    if store.files.exists(decisions_path(plan)):
        return
    settings = plan.settings.decide
    table = with_context(store, inputs.version, judgements)
    decided = decide(table, settings, out_of_fold=out_of_fold(inputs.model, plan))
    masks = num_masks(store, inputs.version)
    opened = store.catalog.table("verdicts", tables.VERDICTS).unique(["scan_id", "structure"])
    left = allowance(masks=masks, opened=opened.height, settings=settings)
    audits = int(left * settings.audit_share)
    seed = plan.settings.seed + plan.number
    decided, items = spend_budget(decided, allowance=left, audits=audits, seed=seed)
    write_frame(store, items_path(plan), items)
    write_frame(store, decisions_path(plan), decided)


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def revise_shard(inputs: StageInputs, shard: Shard) -> ShardSummary:
    """Write a shard's corrected label maps; its rows are the annotations after the round."""
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    cases = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)
    decisions = read_frame(store, decisions_path(plan)).partition_by("scan_id", as_dict=True)
    verdicts = verdicts_of_round(store, plan)

    def work(scan_id: str) -> Rows:
        rows = decisions.get((scan_id,))
        revision = Revision(
            scan=cases[scan_id].scan,
            annotations=cases[scan_id].annotations,
            decisions={} if rows is None else _decided(rows),
            verdicts={v.structure: v for v in verdicts if v.scan_id == scan_id},
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


def with_context(
    store: Workspace, version: DatasetVersion, judgements: pl.DataFrame
) -> pl.DataFrame:
    """Judgements with layer, gold role and origin; derived parents are left to their parts."""
    taxonomy = load_taxonomy()
    layers = pl.DataFrame(
        {
            "structure": [s.name for s in taxonomy.structures],
            "layer": [s.layer.value for s in taxonomy.structures],
            "parent": [s.parent for s in taxonomy.structures],
        },
        schema_overrides={"parent": pl.String},
    )
    known = pl.col("state").is_in(KNOWN)
    derived = (
        judgements.filter(known)
        .join(layers, on="structure")
        .select("scan_id", structure="parent")
        .drop_nulls()
        .unique()
    )
    scans = store.catalog.scans(version).select("scan_id", "gold", "case")
    origins = store.catalog.annotations(version).select("scan_id", "structure", "origin")
    return (
        judgements.join(derived, on=["scan_id", "structure"], how="anti")
        .join(layers.drop("parent"), on="structure")
        .join(scans, on="scan_id")
        .join(origins, on=["scan_id", "structure"], how="left")
    )


def num_masks(store: Workspace, version: DatasetVersion) -> int:
    """Distinct masks: annotations with a known state, gold left out."""
    gold = store.catalog.scans(version).filter(pl.col("gold").is_not_null())["scan_id"]
    rows = store.catalog.annotations(version)
    return rows.filter(
        pl.col("state").is_in(KNOWN) & ~pl.col("scan_id").is_in(gold.to_list())
    ).height


def out_of_fold(model: ModelDocument, plan: RoundPlan) -> bool:
    """Whether the critic never saw what it judges."""
    return len(model.folds) > 1 and plan.settings.predict.out_of_fold


def review_items(store: Workspace, inputs: StageInputs) -> tuple[ReviewItem, ...]:
    """The questions of a round, as the queue takes them."""
    plan = inputs.plan
    items = read_frame(store, items_path(plan))
    maps = store.catalog.annotations(inputs.version).select("scan_id", "structure", "label_map")
    return tuple(
        ReviewItem(
            item_id=f"{plan.number}-{row['scan_id']}-{row['structure']}",
            round=plan.number,
            kind=ItemKind(row["kind"]),
            scan_id=row["scan_id"],
            structure=row["structure"],
            priority=row["priority"],
            reason=row["reason"],
            base_label_map=row["label_map"],
            prediction=inputs.model.key,
        )
        for row in items.join(maps, on=["scan_id", "structure"], how="left").iter_rows(named=True)
    )


def verdicts_of_round(store: Workspace, plan: RoundPlan) -> tuple[Verdict, ...]:
    """People's answers in a round; the first answer to an item counts."""
    rows = store.catalog.table("verdicts", tables.VERDICTS).filter(pl.col("round") == plan.number)
    first = rows.sort("created").unique("item_id", keep="first").sort("item_id")
    return tuple(Verdict.model_validate(row) for row in first.iter_rows(named=True))


def decisions_path(plan: RoundPlan) -> str:
    """Where a round's decisions lie; written last of its two frames."""
    return f"rounds/{plan.number}/decisions.parquet"


def items_path(plan: RoundPlan) -> str:
    """Where a round's review items lie."""
    return f"rounds/{plan.number}/items.parquet"


def write_frame(store: Workspace, path: str, frame: pl.DataFrame) -> None:
    """Store a frame as one Parquet document."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    store.files.write_bytes(path, buffer.getvalue())


def read_frame(store: Workspace, path: str) -> pl.DataFrame:
    """Read it back."""
    return pl.read_parquet(io.BytesIO(store.files.read_bytes(path)))


def _decided(rows: pl.DataFrame) -> dict[str, Decided]:
    return {
        row["structure"]: Decided(
            action=Action(row["action"]),
            candidate=Candidate(row["candidate"]),
            reason=row["reason"],
            quality=row["quality"],
        )
        for row in rows.iter_rows(named=True)
    }
