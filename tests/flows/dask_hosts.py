"""A Dask cluster of worker processes that seem to be machines: each has an address of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Nanny, Scheduler, SpecCluster
from distributed.diagnostics.plugin import SchedulerPlugin


class Placements(SchedulerPlugin):
    """Which worker began to process what."""

    name = "placements"

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()
        self.scheduler: Any = None

    async def start(self, scheduler: Any) -> None:
        self.scheduler = scheduler

    def transition(self, key: Any, start: Any, finish: Any, *args: Any, **kwargs: Any) -> None:
        if finish == "processing":
            worker = self.scheduler.tasks[key].processing_on
            self.seen.add((str(key).partition("-")[0], worker.host))

    def hosts(self, task: str) -> set[str]:
        """Where the tasks of this name went."""
        return {host for name, host in self.seen if name == task}


@contextmanager
def hosts(with_gpu: int, without: int) -> Iterator[tuple[str, Placements]]:
    """Address of a scheduler, and what it did; workers with a "GPU" are 127.0.0.2 and so on, the
    others follow."""
    workers: dict[int, Any] = {}
    for number in range(with_gpu + without):
        own = {"host": f"127.0.0.{number + 2}", "nthreads": 1}
        if number < with_gpu:
            own["resources"] = {"GPU": 1}
        workers[number] = {"cls": Nanny, "options": own}
    scheduler = {"cls": Scheduler, "options": {"host": "127.0.0.1", "dashboard": False}}
    made: Any = SpecCluster(workers=workers, scheduler=scheduler, silence_logs=True)
    with made as cluster:
        placements = Placements()
        cluster.sync(_watch, cluster.scheduler, placements)
        cluster.wait_for_workers(with_gpu + without)
        yield str(cluster.scheduler_address), placements


async def _watch(scheduler: Any, placements: Placements) -> None:
    await placements.start(scheduler)
    scheduler.add_plugin(placements)
