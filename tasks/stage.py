"""A sharded stage of a round: what names its work, the shards that are left, what they found."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.records.shard import Shard
from scalemai_core.records.stage import StageInputs
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.store.catalog.blocks import Blocks
from scalemai_core.store.documents.ledger import step_key
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.tolerances import load_tolerances
from tasks.shards import failed_scans, finished_blocks, finished_rows, plan_shards

FORMAT = 4
"""Of the rows that stages write; part of every stage's key."""


@task(task_run_name="plan {stage}", cache_policy=NO_CACHE)
def plan_stage(stage: str, inputs: StageInputs, scan_ids: tuple[str, ...]) -> list[Shard]:
    """Shards of a stage that are not finished."""
    return plan_shards(
        Workspace.open(inputs.workspace),
        round_number=inputs.plan.number,
        stage=stage,
        key=stage_key(stage, inputs),
        scan_ids=scan_ids,
        size=_shard_size(stage, inputs.plan.settings),
    )


def stage_key(stage: str, inputs: StageInputs) -> str:
    """Identity of a stage's work: its inputs, and the settings that bear on its result."""
    settings = inputs.plan.settings
    sections = {
        "predict": (settings.predict,),
        "judge": (settings.predict, settings.judge),
        "rehearse": (settings.predict, settings.judge, settings.expert),
        "opinions": (settings.predict, settings.judge, settings.expert, settings.vision),
        "compare": (settings.predict, settings.lesions),
        "reports": (settings.radiology,),
        "reports-of-gold": (settings.radiology,),
        "detect": (settings.predict, settings.lesions),
        "evaluate": (settings.predict, load_tolerances()),
    }.get(stage, ())
    return step_key(
        format=FORMAT,
        stage=stage,
        dataset=inputs.version.digest,
        model=inputs.model.key,
        settings=[section.model_dump() for section in sections],
    )


def stage_rows(
    stage: str, inputs: StageInputs, scan_ids: Collection[str] | None = None
) -> pl.DataFrame:
    """What the ledger holds of a stage, of all its scans or of some."""
    store, key = Workspace.open(inputs.workspace), stage_key(stage, inputs)
    return finished_rows(store, inputs.plan.number, stage, key, scan_ids)


def stage_blocks(stage: str, inputs: StageInputs) -> Blocks:
    """The same, some scans at a time."""
    store, key = Workspace.open(inputs.workspace), stage_key(stage, inputs)
    return finished_blocks(store, inputs.plan.number, stage, key)


def stage_failures(stage: str, inputs: StageInputs) -> frozenset[str]:
    """The scans a stage set aside."""
    store, key = Workspace.open(inputs.workspace), stage_key(stage, inputs)
    return frozenset(failed_scans(store, inputs.plan.number, stage, key)["scan_id"])


def _shard_size(stage: str, settings: EngineSettings) -> int:
    """Scans a task handles; a scan that is rehearsed is judged once for every copy of it."""
    size = settings.compute.shard_size
    return max(1, size // (1 + settings.expert.copies)) if stage == "rehearse" else size
