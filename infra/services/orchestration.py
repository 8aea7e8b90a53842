"""Prefect: a server on PostgreSQL, a work pool, and a worker that runs the deployments' flows."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Mapping
from typing import Any

from daemon import Daemon
from database import database_url
from place import HOST, ROOT, Place

POOL = "scalemai"
START_SECONDS = 180.0
DOCUMENT = "deployments/prefect.yaml"
LEASES = "prefect.server.concurrency.lease_storage.filesystem"
SERVER = {
    # In memory, as is the default, a restart would forget who holds a deployment's only place: the
    # round that runs would be ended, and a place that nobody gives back would be taken for ever.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": LEASES,
    # One write for a hundred task runs and events: a third of the server's time a task otherwise.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "1",
}


def start_orchestration(place: Place, shared: Mapping[str, str]) -> None:
    """Start server and worker; ``shared`` is the environment that flows find the rest by."""
    private = {
        "PREFECT_HOME": str(place.folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PGPASSFILE": str(place.password_file),
    }
    prefect = (sys.executable, "-m", "prefect")
    server = Daemon(
        name="prefect-server",
        command=(*prefect, "server", "start", "--host", HOST, "--port", str(place.port("prefect"))),
        environment={
            **private,
            **SERVER,
            # Where the page in the browser asks: port 4200 unless told, whatever the server's is.
            "PREFECT_SERVER_UI_API_URL": api_url(place),
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": database_url(place, "prefect", "asyncpg"),
        },
    )
    server.start(place)
    server.await_healthy(place, lambda: _get(place, "health") is True, START_SECONDS)
    worker = Daemon(
        name="prefect-worker",
        command=(*prefect, "worker", "start", "--pool", POOL, "--type", "process"),
        environment={
            **private,
            **shared,
            "PYTHONPATH": str(ROOT),
            "PREFECT_WORKER_QUERY_SECONDS": "2",  # how often it looks for scheduled runs
        },
    )
    worker.start(place)
    worker.await_healthy(place, lambda: _online(place), START_SECONDS)


def api_url(place: Place) -> str:
    """What PREFECT_API_URL says."""
    return f"http://{place.address('prefect')}/api"


def _online(place: Place) -> bool:
    found = _get(place, f"work_pools/{POOL}/workers/filter", b"{}")
    return any(worker["status"] == "ONLINE" for worker in found)


def _get(place: Place, path: str, body: bytes | None = None) -> Any:
    header = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{api_url(place)}/{path}", body, header)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)
