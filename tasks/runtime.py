"""Which task runner works the shards: the only door to Dask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distributed import LocalCluster
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect_dask.task_runners import DaskTaskRunner

from scalemai_core.settings.engine import ComputeSettings

IN_PROCESS = "none"
LOCAL = "local"


@contextmanager
def workers(compute: ComputeSettings) -> Iterator[TaskRunner[Any]]:
    """Threads of this process, a local Dask cluster, or the workers behind an address.

    One local cluster serves all stages of a round: starting one a stage would cost seconds each.
    """
    if compute.dask == IN_PROCESS:
        yield ThreadPoolTaskRunner(max_workers=compute.workers)
    elif compute.dask == LOCAL:
        with LocalCluster(
            n_workers=compute.workers, threads_per_worker=1, dashboard_address=":0"
        ) as cluster:
            yield DaskTaskRunner(address=str(cluster.scheduler_address))  # pyright: ignore[reportAttributeAccessIssue] - distributed types its sync use as async
    else:
        yield DaskTaskRunner(address=compute.dask)
