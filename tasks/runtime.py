"""Which task runner works the shards: with ``placement`` the door to Dask."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Client, KilledWorker, LocalCluster, Worker, WorkerPlugin
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

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Of glibc's malloc.h: what mallopt is asked for."""
_KEPT_BYTES = 256 << 20
_MAPPED_BYTES = 32 << 20


class FreedMemoryIsKept(WorkerPlugin):
    """What an array of a scan has freed, the next one finds again.

    Dask has glibc hand all back but 64 KiB, and then the kernel clears the pages of every array
    anew: a fifth of the time of a small scan.
    """

    name = "freed memory is kept"

    def setup(self, worker: Worker) -> None:
        """Up to 256 MiB are kept; arrays of 32 MiB and more go back one by one."""
        del worker
        if hasattr(libc := ctypes.CDLL(None), "mallopt"):  # elsewhere, Dask changes nothing
            libc.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
            libc.mallopt(_MMAP_THRESHOLD, _MAPPED_BYTES)


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
            address = str(cluster.scheduler_address)  # pyright: ignore[reportAttributeAccessIssue] - distributed types its sync use as async
            _prepare(address, compute)
            yield DaskTaskRunner(address=address)
    else:
        _prepare(compute.dask, compute)
        yield DaskTaskRunner(address=compute.dask)


def _prepare(scheduler: str, compute: ComputeSettings) -> None:
    """Look who is there, and ready the workers that are and those that will come."""
    with Client(scheduler, set_as_default=False) as client:
        look_for_workers(client, compute)
        client.register_plugin(FreedMemoryIsKept())


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
