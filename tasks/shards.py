"""How a stage is cut into shards, and how a shard's task works through its scans."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from typing import TypeVar

import polars as pl

from scalemai_core.errors import ScaleMAIError, TrainingError
from scalemai_core.records.set_aside import SetAside
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.store.catalog.blocks import Blocks
from scalemai_core.store.documents.ledger import Ledger
from scalemai_core.store.patience import is_barred, may_pass
from scalemai_core.store.workspace import Workspace

log = logging.getLogger("scalemai.shards")

Rows = list[dict[str, object]]
Found = TypeVar("Found")
BAD_DATA = (ScaleMAIError, OSError, ValueError, ArithmeticError, LookupError)
"""What one bad scan may raise; anything else is a fault of the engine and ends the task."""


def plan_shards(
    workspace: Workspace,
    *,
    round_number: int,
    stage: str,
    key: str,
    scan_ids: Sequence[str],
    size: int,
) -> list[Shard]:
    """Shards of the scans that the ledger does not have yet, in a fixed order.

    Shards lie beside those that are finished, never across them, whatever size those had: what
    the ledger is read by stays a shard's.
    """
    finished = workspace.ledger(round_number, stage, key).finished()
    runs = groupby(sorted(scan_ids), key=lambda scan: scan in finished)
    gaps = [tuple(scans) for done, scans in runs if not done]
    parts = [gap[start : start + size] for gap in gaps for start in range(0, len(gap), size)]
    missing = sum(map(len, gaps))
    done = len(scan_ids) - missing
    log.info("%s: %d scans in %d shards, %d done before", stage, missing, len(parts), done)
    return [
        Shard(
            round=round_number,
            stage=stage,
            key=key,
            index=index,
            total=len(parts),
            scan_ids=scan_ids_of_part,
        )
        for index, scan_ids_of_part in enumerate(parts)
    ]


def as_table(rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Rows as one table, whatever columns each of them has."""
    return pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame()


def run_shard(
    workspace: Workspace,
    shard: Shard,
    work: Callable[[str], list[Found]],
    table: Callable[[list[Found]], pl.DataFrame] = as_table,
) -> ShardSummary:
    """Do the work scan by scan; a bad scan becomes a row with its error, never a failed shard.

    What is found in all scans becomes a ``table`` at the end: it is rows, unless that is said.

    The ledger part is written last: a killed shard leaves nothing that counts as finished. What is
    finished stays so: a cluster asks again where a worker was lost before it could say so. An error
    that is no scan's fault ends the shard's task: one that may pass, and then it is tried again, a
    full disk or a missing right, a model without its weights.
    """
    started = time.monotonic()
    ledger = Ledger.of(workspace.files, shard)
    if ledger.holds(shard.scan_ids):
        log.info("%s: finished before", shard.title)
        return _summary(shard, _errors(ledger, shard.scan_ids).height, 0.0)
    found: list[Found] = []
    failed: dict[str, str] = {}
    for scan_id in shard.scan_ids:
        try:
            found += work(scan_id)
        except BAD_DATA as error:
            if isinstance(error, TrainingError) or may_pass(error) or is_barred(error):
                raise
            log.warning("%s: scan %s set aside: %s", shard.title, scan_id, error)
            failed[scan_id] = f"{type(error).__name__}: {error}"
    record_shard(workspace, shard, table(found), failed)
    seconds = time.monotonic() - started
    log.info("%s: %d scans, %.1f s", shard.title, len(shard.scan_ids), seconds)
    return _summary(shard, len(failed), seconds)


def _summary(shard: Shard, num_failed: int, seconds: float) -> ShardSummary:
    return ShardSummary(
        stage=shard.stage,
        index=shard.index,
        num_scans=len(shard.scan_ids),
        num_failed=num_failed,
        seconds=seconds,
    )


def record_shard(
    workspace: Workspace,
    shard: Shard,
    found: pl.DataFrame,
    failed: Mapping[str, str],
    *,
    whole_shard: bool = False,
) -> None:
    """Finish a shard: what it found, and which scans are set aside for which reason."""
    if failed:
        entry = SetAside(stage=shard.stage, reasons=dict(failed), whole_shard=whole_shard)
        name = f"{shard.stage}-{shard.key}-{shard.scan_ids[0]}"
        workspace.set_aside(shard.round).append(name.replace("/", "_"), entry)
    errors = [{"scan_id": scan_id, "error": reason} for scan_id, reason in failed.items()]
    rows = pl.concat([found, as_table(errors)], how="diagonal_relaxed")
    Ledger.of(workspace.files, shard).write(shard.scan_ids, rows)


def finished_blocks(workspace: Workspace, round_number: int, stage: str, key: str) -> Blocks:
    """A finished stage's good rows, some scans at a time."""
    blocks = workspace.ledger(round_number, stage, key).blocks()
    return Blocks(lambda: (good for block in blocks if (good := _good(block)).height))


def finished_rows(
    workspace: Workspace,
    round_number: int,
    stage: str,
    key: str,
    scan_ids: Collection[str] | None = None,
) -> pl.DataFrame:
    """A finished stage's good rows, of all its scans or of some."""
    return _good(workspace.ledger(round_number, stage, key).rows(scan_ids=scan_ids))


def _good(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("error").is_null()).drop("error") if "error" in rows.columns else rows


def failed_scans(workspace: Workspace, round_number: int, stage: str, key: str) -> pl.DataFrame:
    """The scans a stage set aside, with their errors."""
    return _errors(workspace.ledger(round_number, stage, key))


def _errors(ledger: Ledger, scan_ids: Collection[str] | None = None) -> pl.DataFrame:
    rows = ledger.rows(["scan_id", "error"], scan_ids)
    if "error" not in rows.columns:
        return pl.DataFrame(schema={"scan_id": pl.String, "error": pl.String})
    return rows.filter(pl.col("error").is_not_null()).select("scan_id", "error")
