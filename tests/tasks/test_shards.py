"""Shards: what is left is cut in a fixed order, and a bad scan is a row, never a failure."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from scalemai_core.errors import ScaleMAIError, TrainingError
from scalemai_core.records.columns import Columns, joined
from scalemai_core.records.shard import Shard
from scalemai_core.store.workspace import Workspace
from tasks.shards import Rows, failed_scans, finished_rows, plan_shards, run_shard

SCANS = ("e", "b", "a", "d", "c")


@pytest.fixture
def store(tmp_path: Path) -> Workspace:
    return Workspace.create(str(tmp_path))


def plan(store: Workspace, size: int) -> list[Shard]:
    return plan_shards(store, round_number=1, stage="judge", key="k", scan_ids=SCANS, size=size)


def row(scan_id: str) -> Rows:
    return [{"scan_id": scan_id, "number": ord(scan_id)}]


def test_every_scan_is_in_one_shard_in_a_fixed_order(store: Workspace) -> None:
    shards = plan(store, 2)
    assert [s.scan_ids for s in shards] == [("a", "b"), ("c", "d"), ("e",)]
    assert [s.title for s in shards] == [f"judge shard {n} of 3" for n in (1, 2, 3)]


def test_finished_scans_are_left_out_however_the_rest_is_cut(store: Workspace) -> None:
    run_shard(store, plan(store, 2)[1], row)
    assert [s.scan_ids for s in plan(store, 3)] == [("a", "b"), ("e",)], "never across c and d"
    for shard in plan(store, 3):
        run_shard(store, shard, row)
    assert plan(store, 2) == []
    assert finished_rows(store, 1, "judge", "k")["scan_id"].to_list() == sorted(SCANS)


def test_a_finished_shard_that_is_asked_for_again_is_not_worked_again(store: Workspace) -> None:
    def never(scan_id: str) -> Rows:
        raise AssertionError(scan_id)

    def bad(scan_id: str) -> Rows:
        raise ValueError(scan_id)

    first, second = plan(store, 3)
    run_shard(store, first, row)
    done, failed = run_shard(store, first, never), run_shard(store, second, bad)
    assert (done.num_scans, done.num_failed) == (3, 0)
    assert run_shard(store, second, never).num_failed == failed.num_failed == 2
    assert finished_rows(store, 1, "judge", "k")["scan_id"].to_list() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad voxels"),
        OSError("gone"),
        KeyError("x"),
        ZeroDivisionError(),
        ScaleMAIError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_bad_scan_becomes_a_row_with_its_error(store: Workspace, error: Exception) -> None:
    def work(scan_id: str) -> Rows:
        if scan_id == "b":
            raise error
        return row(scan_id)

    (shard,) = plan(store, 5)
    summary = run_shard(store, shard, work)
    assert (summary.num_scans, summary.num_failed) == (5, 1)
    assert finished_rows(store, 1, "judge", "k")["scan_id"].to_list() == ["a", "c", "d", "e"]
    (failed,) = failed_scans(store, 1, "judge", "k").to_dicts()
    assert failed["scan_id"] == "b"
    assert failed["error"].startswith(type(error).__name__)
    assert plan(store, 5) == [], "it is not tried again"


def test_what_is_found_by_column_stands_beside_the_scans_that_failed(store: Workspace) -> None:
    def work(scan_id: str) -> list[Columns]:
        if scan_id == "b":
            raise ValueError("bad voxels")
        return [{"scan_id": [scan_id], "dice": np.array([np.nan])}] * 2

    (shard,) = plan(store, 5)
    assert run_shard(store, shard, work, joined).num_failed == 1
    rows = finished_rows(store, 1, "judge", "k")
    assert rows["scan_id"].to_list() == [*"aaccddee"]
    assert rows["dice"].null_count() == rows.height
    assert failed_scans(store, 1, "judge", "k")["scan_id"].to_list() == ["b"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "no space left"),
        OSError(errno.EROFS, "read-only"),
        PermissionError("AccessDenied"),
        TrainingError("no weights"),
    ],
    ids=lambda error: str(error),
)
def test_what_is_no_scans_fault_sets_none_aside(store: Workspace, error: Exception) -> None:
    def work(scan_id: str) -> Rows:
        raise error

    (shard,) = plan(store, 5)
    with pytest.raises(type(error)):
        run_shard(store, shard, work)
    assert plan(store, 5) == [shard], "all of it is worked again"


def test_a_fault_of_the_engine_ends_the_task_and_finishes_nothing(store: Workspace) -> None:
    def work(scan_id: str) -> Rows:
        if scan_id == "b":
            raise TypeError("a fault of the engine")
        return row(scan_id)

    (shard,) = plan(store, 5)
    with pytest.raises(TypeError):
        run_shard(store, shard, work)
    assert plan(store, 5) == [shard]
    assert finished_rows(store, 1, "judge", "k").height == 0


def test_a_stage_without_failures_has_none(store: Workspace) -> None:
    for shard in plan(store, 2):
        run_shard(store, shard, row)
    assert failed_scans(store, 1, "judge", "k").height == 0
