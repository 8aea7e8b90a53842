"""Shards that fail: worked again while that may help, then set aside or the end of the round."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture
from prefect.tasks import exponential_backoff

from scalemai_core.errors import LostShards, UsageError
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.settings.engine import ComputeSettings
from scalemai_core.store.documents.ledger import Ledger
from scalemai_core.store.patience import may_pass
from scalemai_core.store.workspace import Workspace
from tasks.placement import warn_if_nobody_works
from tasks.runtime import died_with_its_worker, of_the_cluster
from tasks.shards import BAD_DATA, record_shard

log = logging.getLogger("scalemai.shards")

JITTER = 0.5
"""A pause is varied by this share of itself, so that many tasks do not come back at once."""
MOST_REASONS = 20
"""That a round's result names; all of them lie in the round's documents."""
SHARD_ERRORS = (*BAD_DATA, RuntimeError, MemoryError)
"""What a shard's task may end with for reasons of its own; a worker's death is one more."""

LOOK_SECONDS = 60.0
"""How often a shard that takes long is looked after."""

Lost = dict[Shard, str]


def patient(work: Task[..., ShardSummary], compute: ComputeSettings) -> Task[..., ShardSummary]:
    """The same task, tried again after errors that may pass; Prefect shows each with its reason."""
    return work.with_options(
        retries=compute.shard_retries,
        retry_delay_seconds=exponential_backoff(compute.retry_seconds),
        retry_jitter_factor=JITTER,
        retry_condition_fn=_may_help,
    )


def gather(
    workspace: str,
    shards: Sequence[Shard],
    futures: Sequence[PrefectFuture[ShardSummary]],
    num_scans: int,
    compute: ComputeSettings,
) -> Iterator[ShardSummary]:
    """What the shards of a stage of ``num_scans`` return; those that failed are set aside at last.

    Raises LostShards where they are more than the settings allow: then none is set aside, and the
    round that is run again works them anew.
    """
    lost: Lost = {}
    for shard, future in zip(shards, futures, strict=True):
        try:
            summary = _awaited(future, shard.stage, compute)
        except Exception as error:  # a task may raise anything; what is no shard's goes on
            if not _of_the_shard(error):
                raise
            lost[shard] = f"{type(error).__name__}: {error}"
            log.warning("%s failed: %s", shard.title, lost[shard])
        else:
            yield summary
    if lost:
        _refuse_too_many(workspace, lost, num_scans, compute.max_failed_share)
        for shard, reason in lost.items():
            set_aside(workspace, shard, reason)


def _awaited(
    future: PrefectFuture[ShardSummary], stage: str, compute: ComputeSettings
) -> ShardSummary:
    """What a shard returns; while it takes long, look whether anybody is there to work it."""
    while True:
        try:
            return future.result(timeout=LOOK_SECONDS)
        except TimeoutError:
            if future.state.is_final():  # its own: a store that did not answer
                raise
            warn_if_nobody_works(stage, compute)


@task(task_run_name="set aside {shard.title}", cache_policy=NO_CACHE)
def set_aside(workspace: str, shard: Shard, reason: str) -> None:
    """Finish a shard that keeps failing: every scan of it becomes a row with the reason."""
    store = Workspace.open(workspace)
    if Ledger.of(store.files, shard).holds(shard.scan_ids):
        return  # given up too early: it went on where its worker was thought lost, and finished
    reasons = dict.fromkeys(shard.scan_ids, reason)
    record_shard(store, shard, pl.DataFrame(), reasons, whole_shard=True)


def reasons_set_aside(store: Workspace, number: int) -> dict[str, int]:
    """How many scans a round set aside, by stage and reason; at most a screen of them."""
    found = Counter(
        f"{one.stage}: {reason}"
        for one in store.set_aside(number).read()
        for reason in one.reasons.values()
    )
    return dict(found.most_common(MOST_REASONS))


def _refuse_too_many(workspace: str, lost: Lost, num_scans: int, most: float) -> None:
    first = next(iter(lost))
    earlier = Workspace.open(workspace).set_aside(first.round).read()
    before = sum(
        len(one.reasons) for one in earlier if one.whole_shard and one.stage == first.stage
    )
    scans = before + sum(len(shard.scan_ids) for shard in lost)
    if scans > most * num_scans:
        raise LostShards(
            f"{first.stage}: {len(lost)} shards kept failing, {scans} of {num_scans} scans, more "
            f"than compute.max_failed_share={most:g} lets a round go on without. {first.title}: "
            f"{lost[first]}. Put the cause right and run the round again: finished shards stay"
        )


def _may_help(work: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed task is worth another try."""
    return isinstance(state.data, BaseException) and may_pass(state.data)


def _of_the_shard(error: Exception) -> bool:
    """Whether the shard failed, and not what schedules it; bad use is the caller's."""
    if died_with_its_worker(error):
        return True
    if isinstance(error, UsageError) or of_the_cluster(error):
        return False
    return isinstance(error, SHARD_ERRORS) or may_pass(error)
