"""Which task runner works the shards: with ``placement`` the door to Dask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Client, KilledWorker, LocalCluster
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect_dask.task_runners import DaskTaskRunner

from scalemai_core.settings.engine import ComputeSettings
from tasks.placement import look_for_workers

IN_PROCESS = "none"
LOCAL = "local"
_SCHEDULING = frozenset({"distributed", "dask", "prefect", "httpx", "httpcore"})
"""Packages whose errors are of a scheduler that does not answer, never of a shard."""


@contextmanager
def workers(compute: ComputeSettings) -> Iterator[TaskRunner[Any]]:
    """Threads of this process, a local Dask cluster, or the workers behind an address.

    One local cluster serves all stages of a round: starting one a stage would cost seconds each.
    """
    if compute.dask == IN_PROCESS:
        yield ThreadPoolTaskRunner(max_workers=compute.workers)
    elif compute.dask == LOCAL:
        with (
            LocalCluster(
                n_workers=compute.workers,
                threads_per_worker=1,
                dashboard_address=":0",
                resources={compute.gpu_resource: 1} if compute.gpu_resource else None,
            ) as cluster,
            _one_server(),
        ):
            yield DaskTaskRunner(address=str(cluster.scheduler_address))  # pyright: ignore[reportAttributeAccessIssue] - distributed types its sync use as async
    else:
        with Client(compute.dask, set_as_default=False) as client:
            look_for_workers(client, compute)
        yield DaskTaskRunner(address=compute.dask)


@contextmanager
def _one_server() -> Iterator[None]:
    """Where Prefect has no server, this process's own serves its workers too: each would start one
    of its own beside it."""
    if PREFECT_API_URL.value():
        yield
        return
    server = SubprocessASGIServer()
    server.start()
    with temporary_settings({PREFECT_API_URL: server.api_url}):
        yield


def died_with_its_worker(error: Exception) -> bool:
    """Whether a task was given up because worker after worker died over it, as Dask allows."""
    return isinstance(error, KilledWorker)


def of_the_cluster(error: Exception) -> bool:
    """Whether scheduler or orchestrator failed, and not the task."""
    return type(error).__module__.partition(".")[0] in _SCHEDULING
