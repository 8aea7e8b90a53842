"""How a stage is cut into shards, and how a shard's task works through its scans."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

import polars as pl

from scalemai_core.errors import ScaleMAIError
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.store.ledger import Ledger
from scalemai_core.store.workspace import Workspace

log = logging.getLogger("scalemai.shards")

Rows = list[dict[str, object]]
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
    """Shards of the scans that the ledger does not have yet, in a fixed order."""
    finished = workspace.ledger(round_number, stage, key).finished()
    missing = sorted(scan for scan in scan_ids if scan not in finished)
    parts = [tuple(missing[start : start + size]) for start in range(0, len(missing), size)]
    done = len(scan_ids) - len(missing)
    log.info("%s: %d scans in %d shards, %d done before", stage, len(missing), len(parts), done)
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


def run_shard(workspace: Workspace, shard: Shard, work: Callable[[str], Rows]) -> ShardSummary:
    """Do the work scan by scan; a bad scan becomes a row with its error, never a failed shard.

    The ledger part is written last: a killed shard leaves nothing that counts as finished.
    """
    started = time.monotonic()
    rows: Rows = []
    failed = 0
    for scan_id in shard.scan_ids:
        try:
            rows += work(scan_id)
        except BAD_DATA as error:
            log.warning("%s: scan %s set aside: %s", shard.title, scan_id, error)
            rows.append({"scan_id": scan_id, "error": f"{type(error).__name__}: {error}"})
            failed += 1
    frame = pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame()
    Ledger.of(workspace.files, shard).write(shard.scan_ids, frame)
    seconds = time.monotonic() - started
    log.info("%s: %d scans, %.1f s", shard.title, len(shard.scan_ids), seconds)
    return ShardSummary(
        stage=shard.stage,
        index=shard.index,
        num_scans=len(shard.scan_ids),
        num_failed=failed,
        seconds=seconds,
    )


def finished_rows(workspace: Workspace, round_number: int, stage: str, key: str) -> pl.DataFrame:
    """A finished stage's good rows."""
    rows = workspace.ledger(round_number, stage, key).rows()
    return rows.filter(pl.col("error").is_null()).drop("error") if "error" in rows.columns else rows


def failed_scans(workspace: Workspace, round_number: int, stage: str, key: str) -> pl.DataFrame:
    """The scans a stage set aside, with their errors."""
    rows = workspace.ledger(round_number, stage, key).rows()
    if "error" not in rows.columns:
        return pl.DataFrame(schema={"scan_id": pl.String, "error": pl.String})
    return rows.filter(pl.col("error").is_not_null()).select("scan_id", "error")
