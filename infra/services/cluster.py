"""Dask: a scheduler by address, and workers that shards are sent to."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Mapping

from daemon import Daemon
from place import HOST, ROOT, Place

WORKERS = int(os.environ.get("SCALEMAI_SERVICES_WORKERS", "2"))
START_SECONDS = 120.0


def start_cluster(place: Place, shared: Mapping[str, str]) -> None:
    """Start scheduler and workers; ``shared`` is the environment that shards find the rest by."""
    dask = (sys.executable, "-m", "dask")
    # A machine that stood still for a minute (asleep, moved, out of memory) has lost no worker.
    environment = {
        **shared,
        "PYTHONPATH": str(ROOT),
        "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "180s",
    }
    page = place.address("dask page")
    scheduler = Daemon(
        name="dask-scheduler",
        command=(
            *dask, "scheduler", "--host", HOST, "--port", str(place.port("dask")),
            "--dashboard-address", page,
        ),
        environment=environment,
    )  # fmt: skip
    scheduler.start(place)
    workers = Daemon(
        name="dask-workers",
        command=(
            *dask, "worker", scheduler_url(place), "--host", HOST,
            "--nworkers", str(WORKERS), "--nthreads", "1", "--no-dashboard",
            # Else a worker of one thread may hold one core's share of the memory.
            "--memory-limit", f"{0.9 / WORKERS:.2f}",
            "--local-directory", str(place.folder / "dask"),
        ),
        environment=environment,
    )  # fmt: skip
    scheduler.await_healthy(place, lambda: _workers(place) >= 0, START_SECONDS)
    workers.start(place)
    workers.await_healthy(place, lambda: _workers(place) >= WORKERS, START_SECONDS)


def scheduler_url(place: Place) -> str:
    """What ``compute.dask`` says."""
    return f"tcp://{place.address('dask')}"


def page_url(place: Place) -> str:
    """Where the scheduler shows what runs."""
    return f"http://{place.address('dask page')}/status"


def _workers(place: Place) -> int:
    counts = f"http://{place.address('dask page')}/json/counts.json"
    with urllib.request.urlopen(counts, timeout=5) as answer:
        return int(json.load(answer)["workers"])
