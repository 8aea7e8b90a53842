"""A shard's task is tried again where that may help, and set aside where the settings allow."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from distributed import KilledWorker
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.testing.utilities import prefect_test_harness

from scalemai_core.errors import LostShards, UsageError
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.settings.engine import ComputeSettings
from scalemai_core.store.workspace import Workspace
from tasks import patience
from tasks.patience import gather, patient, reasons_set_aside, set_aside
from tasks.shards import Rows, failed_scans, finished_rows, plan_shards, run_shard

pytestmark = pytest.mark.flow

SCANS = tuple("abcdefghij")
BUSY = OSError(errno.EBUSY, "Please reduce your request rate")

tried: Counter[str] = Counter()
trouble: dict[str, tuple[Exception, int]] = {}
"""Scan -> what goes wrong with it, and how often."""


@pytest.fixture(scope="module", autouse=True)
def _prefect() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture
def store(tmp_path: Path) -> Workspace:
    tried.clear()
    trouble.clear()
    return Workspace.create(str(tmp_path))


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def work_shard(workspace: str, shard: Shard) -> ShardSummary:
    def work(scan_id: str) -> Rows:
        tried[scan_id] += 1
        error, times = trouble.get(scan_id, (BUSY, 0))
        if tried[scan_id] <= times:
            raise error
        return [{"scan_id": scan_id, "number": ord(scan_id)}]

    return run_shard(Workspace.open(workspace), shard, work)


@flow
def stage(workspace: str, compute: ComputeSettings) -> int:
    shards = plan_shards(
        Workspace.open(workspace),
        round_number=1,
        stage="judge",
        key="k",
        scan_ids=SCANS,
        size=2,
    )
    again = patient(work_shard, compute)
    futures = [again.submit(workspace, shard) for shard in shards]
    found = gather(workspace, shards, futures, len(SCANS), compute)
    return sum(summary.num_scans for summary in found)


def compute(most: float = 0.2) -> ComputeSettings:
    return ComputeSettings(shard_retries=2, retry_seconds=0.01, max_failed_share=most)


def good(store: Workspace) -> list[str]:
    rows = finished_rows(store, 1, "judge", "k")
    return rows["scan_id"].to_list() if rows.height else []


def test_a_store_that_throttles_for_a_while_costs_tries_and_no_scan(store: Workspace) -> None:
    trouble["c"] = (BUSY, 2)
    assert stage(store.url, compute()) == len(SCANS)
    assert good(store) == list(SCANS)
    assert (tried["c"], tried["a"]) == (3, 1)
    assert failed_scans(store, 1, "judge", "k").height == 0


def test_bad_data_is_never_tried_again(store: Workspace) -> None:
    trouble["c"] = (ValueError("bad voxels"), 9)
    assert stage(store.url, compute(0.0)) == len(SCANS)
    assert (tried["c"], tried["d"]) == (1, 1)
    assert reasons_set_aside(store, 1) == {"judge: ValueError: bad voxels": 1}


@pytest.mark.parametrize(
    ("error", "tries"), [(BUSY, 3), (RuntimeError("out of memory"), 1), (MemoryError(), 1)]
)
def test_a_shard_that_keeps_failing_is_set_aside_with_its_reason(
    store: Workspace, error: Exception, tries: int
) -> None:
    trouble["c"] = (error, 9)
    assert stage(store.url, compute()) == len(SCANS) - 2
    assert tried["c"] == tries
    assert good(store) == [scan for scan in SCANS if scan not in "cd"]
    failed = failed_scans(store, 1, "judge", "k")
    assert failed["scan_id"].to_list() == ["c", "d"]
    assert all(type(error).__name__ in reason for reason in failed["error"])
    (entry,) = store.set_aside(1).read()
    assert entry.whole_shard
    assert stage(store.url, compute()) == 0, "the stage is over"


def test_more_failing_shards_than_allowed_end_the_round_and_are_worked_again_later(
    store: Workspace,
) -> None:
    trouble.update(c=(BUSY, 3), e=(BUSY, 3))
    with pytest.raises(LostShards, match=r"2 shards kept failing, 4 of 10 scans.*max_failed_share"):
        stage(store.url, compute())
    assert store.set_aside(1).read() == ()
    assert len(good(store)) == 6
    assert stage(store.url, compute()) == 4, "only what was lost"
    assert good(store) == list(SCANS)
    assert tried["a"] == 1


class Future:
    """A shard whose task ended so."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    state = SimpleNamespace(is_final=lambda: True)

    def result(self, timeout: float) -> ShardSummary:
        assert timeout > 0
        raise self.error


class LateFuture:
    """A shard that takes longer than anybody looks at once."""

    state = SimpleNamespace(is_final=lambda: False)

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def result(self, timeout: float) -> ShardSummary:
        self.looks -= 1
        if self.looks >= 0:
            raise TimeoutError
        return ShardSummary(stage="judge", index=0, num_scans=1, num_failed=0, seconds=timeout)


class CommClosedError(OSError):
    """As distributed's."""

    __module__ = "distributed.comm.core"


@pytest.mark.parametrize(
    "error", [UsageError("no such model"), CommClosedError("scheduler"), TypeError("a fault")]
)
def test_what_is_not_the_shards_doing_ends_the_round(store: Workspace, error: Exception) -> None:
    shard = Shard(round=1, stage="judge", key="k", index=0, total=1, scan_ids=("a",))
    with pytest.raises(type(error)):
        list(gather(store.url, [shard], [Future(error)], 10, compute(1.0)))  # pyright: ignore[reportArgumentType] - what gather asks of a future
    assert store.set_aside(1).read() == ()


def test_a_shard_that_takes_long_is_waited_for_and_its_workers_looked_after(
    store: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    monkeypatch.setattr(patience, "warn_if_nobody_works", lambda stage, _: looked.append(stage))
    shard = Shard(round=1, stage="judge", key="k", index=0, total=1, scan_ids=("a",))
    (summary,) = gather(store.url, [shard], [LateFuture(2)], 10, compute())  # pyright: ignore[reportArgumentType] - what gather asks of a future
    assert (summary.num_scans, looked) == (1, ["judge", "judge"])


def test_a_shard_whose_store_did_not_answer_in_time_has_failed(store: Workspace) -> None:
    shard = Shard(round=1, stage="judge", key="k", index=0, total=1, scan_ids=("a",))
    list(gather(store.url, [shard], [Future(TimeoutError("the store"))], 10, compute()))  # pyright: ignore[reportArgumentType] - what gather asks of a future
    assert reasons_set_aside(store, 1) == {"judge: TimeoutError: the store": 1}


def test_a_shard_over_which_workers_die_is_set_aside(store: Workspace) -> None:
    shard = Shard(round=1, stage="judge", key="k", index=0, total=1, scan_ids=("a",))
    worker = SimpleNamespace(address="tcp://gone")
    death = KilledWorker("judge", worker, 3)  # pyright: ignore[reportArgumentType] - only its address is shown
    list(gather(store.url, [shard], [Future(death)], 10, compute(0.1)))  # pyright: ignore[reportArgumentType] - what gather asks of a future
    assert good(store) == []
    (entry,) = store.set_aside(1).read()
    assert entry.reasons["a"].startswith("KilledWorker")


def test_what_finished_after_it_was_given_up_is_not_set_aside(store: Workspace) -> None:
    first, *_ = plan_shards(store, round_number=1, stage="judge", key="k", scan_ids=SCANS, size=2)
    run_shard(store, first, lambda scan_id: [{"scan_id": scan_id, "number": ord(scan_id)}])
    set_aside.fn(store.url, first, "its workers died")
    assert finished_rows(store, 1, "judge", "k")["scan_id"].to_list() == ["a", "b"]
    assert store.set_aside(1).read() == ()
