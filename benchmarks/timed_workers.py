"""Preloaded by a benchmark's Dask workers: what their shards' time goes to, by stage.

Told apart are reading from the store, writing to it, the ledger and the catalog; the rest is
computing. Predict reads and writes in threads of their own, beside its computing: their seconds
then overlap.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, local
from time import perf_counter
from typing import Any

FOLDER = "SCALEMAI_BENCHMARK_TIMES"
"""Of the environment: where each worker leaves its seconds."""
READING, WRITING, LEDGER, CATALOG, SHARDS = "read", "write", "ledger", "catalog", "shards"
Seconds = dict[str, dict[str, float]]

_lock, _thread = Lock(), local()
_seconds: defaultdict[str, float] = defaultdict(float)
"""Of the shard at work: a worker has one at a time."""
_stages: Seconds = {}


def dask_setup(worker: object) -> None:
    """Before the worker imports any stage: what they take from these places is timed."""
    del worker
    from scalemai_core.store.catalog.catalog import Catalog  # noqa: PLC0415
    from scalemai_core.store.files import Files  # noqa: PLC0415
    from tasks import shards  # noqa: PLC0415

    ranges = Files.read_ranges
    # All at once, or only the making of a generator would be timed.
    setattr(Files, "read_ranges", lambda *given: iter(list(ranges(*given))))  # noqa: B010 - typed otherwise
    for name in ("read_bytes", "read_end", "read_ranges", "exists", "names"):
        _time(Files, name, READING)
    for name in ("write_bytes", "put", "create"):
        _time(Files, name, WRITING)
    for name in ("annotations", "scans"):
        _time(Catalog, name, CATALOG)
    _time(shards, "record_shard", LEDGER)
    whole = shards.run_shard

    def run_shard(workspace: Any, shard: Any, *given: Any, **more: Any) -> Any:
        _seconds.clear()
        started = perf_counter()
        summary = whole(workspace, shard, *given, **more)
        stage = _stages.setdefault(shard.stage, {})
        for kind, took in (*_seconds.items(), (SHARDS, perf_counter() - started)):
            stage[kind] = stage.get(kind, 0.0) + took
        Path(os.environ[FOLDER], f"{os.getpid()}.json").write_text(json.dumps(_stages))
        return summary

    shards.run_shard = run_shard


def print_times(folder: str, scans: int) -> None:
    """What all workers left, milliseconds of one worker a scan."""
    told: list[Seconds] = [json.loads(file.read_text()) for file in Path(folder).glob("*.json")]
    for stage in dict.fromkeys(name for one in told for name in one):
        spent: defaultdict[str, float] = defaultdict(float)
        for one in told:
            for kind, took in one.get(stage, {}).items():
                spent[kind] += 1000 * took / scans
        parts = ", ".join(
            f"{kind} {spent[kind]:.2f}" for kind in (READING, WRITING, LEDGER, CATALOG)
        )
        print(f"  a worker's {stage:10s} {spent[SHARDS]:6.2f} ms a scan, of that {parts}")


def _time(place: Any, name: str, kind: str) -> None:
    plain: Callable[..., Any] = getattr(place, name)

    def timed(*given: Any, **more: Any) -> Any:
        with _spent(kind):
            return plain(*given, **more)

    setattr(place, name, timed)


@contextmanager
def _spent(kind: str) -> Iterator[None]:
    """What the ledger reads and writes is the ledger's."""
    if getattr(_thread, "busy", False):
        yield
        return
    _thread.busy, started = True, perf_counter()
    try:
        yield
    finally:
        _thread.busy = False
        with _lock:
            _seconds[kind] += perf_counter() - started
