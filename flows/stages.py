"""How a flow runs one sharded stage: plan what is left, work it, gather what the ledger holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
from prefect import Task

from scalemai_core.records.shard import ShardSummary
from scalemai_core.records.stage import StageInputs
from tasks.round import plan_stage, stage_failures, stage_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A finished stage."""

    rows: pl.DataFrame
    scans: tuple[str, ...]
    """Scans that came through."""
    failed: frozenset[str]
    """Scans set aside with their reason."""


def run_stage(
    name: str,
    work: Task[..., ShardSummary],
    inputs: StageInputs,
    scans: tuple[str, ...],
    **more: Any,
) -> Stage:
    """Work the shards that the ledger lacks; a stage that was finished before costs nothing."""
    shards = plan_stage(name, inputs, scans)
    futures = [work.submit(inputs, shard, **more) for shard in shards]
    for future in futures:
        future.result()
    failed = stage_failures(name, inputs)
    return Stage(
        rows=stage_rows(name, inputs),
        scans=tuple(scan for scan in scans if scan not in failed),
        failed=failed,
    )
