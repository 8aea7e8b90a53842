"""Where Dask works what: GPU work where GPUs are, a training on machines of its own."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from dask.base import annotate
from distributed import Client
from prefect.context import FlowRunContext
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect_dask.task_runners import DaskTaskRunner

from scalemai_core.errors import UsageError
from scalemai_core.settings.engine import ComputeSettings

log = logging.getLogger("scalemai.placement")

GPU_WORK = frozenset({"predict", "rehearse", "detect", "evaluate", "train"})
"""What wants a GPU; every other stage goes to any worker."""

_keepers: list[Callable[[], None]] = []


@dataclass(frozen=True, slots=True)
class Node:
    """A machine that takes part in a training."""

    worker: str | None
    """Address of the Dask worker that starts torchrun there; None without Dask."""
    compute: ComputeSettings
    """With the place where the machines meet."""


@contextmanager
def placed(work: str, compute: ComputeSettings, worker: str | None = None) -> Iterator[None]:
    """What is submitted inside runs where ``work`` can be done, or on one worker alone."""
    wanted: dict[str, Any] = {}
    if label := _label(work, compute):
        wanted["resources"] = {label: 1}
    if worker is not None:
        wanted |= {"workers": [worker], "allow_other_workers": False}
    with annotate(**wanted) if wanted else nullcontext():
        yield


def look_for_workers(client: Client, compute: ComputeSettings) -> None:
    """Say so where no worker is there yet: the run waits for one.

    Raises UsageError where none could ever take GPU work: its shards would wait for ever.
    """
    label = compute.gpu_resource
    if _able(client, label):
        return
    if not label:
        log.warning("no worker of %s is there: waiting for one to join", compute.dask)
        return
    raise UsageError(
        f"no worker of {compute.dask} offers compute.gpu_resource {label!r}: "
        f"start one with 'dask worker {compute.dask} --resources \"{label}=1\"'"
    )


def warn_if_nobody_works(work: str, compute: ComputeSettings) -> None:
    """Say so where Dask has lost all workers that ``work`` could go to: it waits for new ones."""
    client = _client()
    if client is None:
        return
    label = _label(work, compute)
    if not _able(client, label):
        which = f"worker that offers {label!r}" if label else "worker"
        log.warning("%s waits: Dask has no %s left; it goes on when one joins", work, which)


def keeper(forget: Callable[[], None]) -> Callable[[], None]:
    """Mark a function that drops what its module keeps on a GPU between shards."""
    _keepers.append(forget)
    return forget


def free_gpus(compute: ComputeSettings) -> None:
    """Drop the models that predictors keep, wherever the running flow's shards are worked."""
    client = _client()
    if client is None:
        _forget_kept()
    else:
        client.run(_forget_kept, workers=_able(client, compute.gpu_resource))


def _forget_kept() -> None:
    """A process that never predicted has loaded no module that keeps anything."""
    for forget in _keepers:
        forget()


def training_nodes(compute: ComputeSettings) -> tuple[Node, ...]:
    """The machines of one training, every time with a meeting place that no other training uses.

    Raises UsageError where Dask has workers on fewer machines than ``compute.nodes``.
    """
    client = _client()
    if client is None:
        return (Node(None, compute),)
    by_host: dict[str, str] = {}
    for address in sorted(_able(client, compute.gpu_resource)):
        by_host.setdefault(str(urlsplit(address).hostname), address)
    if len(by_host) < compute.nodes:
        raise UsageError(
            f"compute.nodes is {compute.nodes}, but Dask has workers that may train on "
            f"{len(by_host)} machines"
        )
    chosen = list(by_host.items())[: compute.nodes]
    meeting = compute.rendezvous
    if not meeting:
        host, first = chosen[0]
        port = client.submit(_free_port, workers=[first], pure=False).result()
        meeting = f"{host}:{port}"
    own = compute.model_copy(update={"rendezvous": meeting})
    return tuple(Node(worker, own) for _, worker in chosen)


def same_workers() -> TaskRunner[Any]:
    """The workers of the running flow, for a flow that it calls: else it works in this process.

    By a runner of its own: one that is connected cannot travel to a worker with the flow it is of.
    """
    return _running().duplicate()


def _running() -> TaskRunner[Any]:
    context = FlowRunContext.get()
    return ThreadPoolTaskRunner() if context is None else context.task_runner


def _client() -> Client | None:
    """The Dask client of the running flow; None where its tasks are threads."""
    runner = _running()
    return runner.client if isinstance(runner, DaskTaskRunner) else None


def _label(work: str, compute: ComputeSettings) -> str:
    """Of the workers that may do ``work``; empty where any may."""
    return compute.gpu_resource if work in GPU_WORK else ""


def _able(client: Client, label: str) -> list[str]:
    """Addresses of the workers that carry a label; of all where it is empty."""
    workers: dict[str, Any] = client.scheduler_info(n_workers=-1)["workers"]
    return [
        address
        for address, worker in workers.items()
        if not label or worker["resources"].get(label, 0) >= 1
    ]


def _free_port() -> int:
    """On the machine that holds the meeting place."""
    with socket.socket() as free:
        free.bind(("", 0))
        return int(free.getsockname()[1])
