"""Scoring: the annotations before and after a round against a given truth."""

from __future__ import annotations

import polars as pl
from prefect import flow

from flows.stages import run_stage
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import DatasetVersion
from tasks.round import revisable_scans
from tasks.truth import score_shard


@flow(name="score", flow_run_name="round {inputs.plan.number}")
def score(inputs: StageInputs, after: DatasetVersion, truth: str) -> pl.DataFrame:
    """A row a mask: Dice to the truth before and after. It measures, and decides nothing."""
    scans = revisable_scans(inputs)
    return run_stage("score", score_shard, inputs, scans, after=after, truth=truth).rows
