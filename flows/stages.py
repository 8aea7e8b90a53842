"""How a flow runs one sharded stage: plan what is left, work it, gather what the ledger holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
from prefect import Task

from scalemai_core.records.shard import ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.store.catalog.blocks import Blocks
from tasks.claim import check_claim
from tasks.pace import StagePace
from tasks.patience import gather, patient
from tasks.placement import placed
from tasks.stage import plan_stage, stage_blocks, stage_failures, stage_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A finished stage."""

    name: str
    inputs: StageInputs
    scans: tuple[str, ...]
    """Scans that came through."""
    failed: frozenset[str]
    """Scans set aside with their reason."""

    @property
    def rows(self) -> pl.DataFrame:
        """What it found, read from the ledger."""
        return stage_rows(self.name, self.inputs)

    @property
    def blocks(self) -> Blocks:
        """The same of a stage that finds something of every structure, some scans at a time."""
        return stage_blocks(self.name, self.inputs)


def run_stage(
    name: str,
    work: Task[..., ShardSummary],
    inputs: StageInputs,
    scans: tuple[str, ...],
    **more: Any,
) -> Stage:
    """Work the shards that the ledger lacks; a stage that was finished before costs nothing.

    Raises ClaimLostError where another process plays the round by now.
    """
    check_claim(inputs.workspace, inputs.claim)
    shards = plan_stage(name, inputs, scans)
    compute = inputs.plan.settings.compute
    pace = StagePace(inputs.workspace, shards, len(scans))
    again = patient(work, compute)
    with placed(name, compute):
        futures = [again.submit(inputs, shard, **more) for shard in shards]
    for summary in gather(inputs.workspace, shards, futures, len(scans), compute):
        pace.add(summary)
    pace.end()
    failed = stage_failures(name, inputs)
    return Stage(
        name=name,
        inputs=inputs,
        scans=tuple(scan for scan in scans if scan not in failed),
        failed=failed,
    )
