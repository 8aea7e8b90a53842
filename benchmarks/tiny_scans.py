"""A whole E-step over many tiny scans, with revision and commit: what the engine costs around them.

Each size runs as a round does: Prefect flows, two worker processes under Dask, one ledger part a
shard. Printed are wall time by stage and what the workers' goes to, objects, Prefect runs, the
catalog's size, a comparison of versions, a point query, and the peak memory of every process.

    python benchmarks/tiny_scans.py --scans 1000 10000 47315 --seed 1
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psutil
import timed_workers
from memory import memory_mb
from prefect import flow, get_client
from prefect.task_runners import TaskRunner
from tiny_population import prepare, store_model

from scalemai_core.records.round import RoundPlan
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import DatasetVersion
from scalemai_core.settings.file import parse_settings
from scalemai_core.store.catalog.catalog import Catalog
from scalemai_core.store.documents.ledger import Ledger
from scalemai_core.store.workspace import Workspace

WORKERS = 2
SHARD = 1000
"""Scans a task handles: seconds of work."""
SAMPLE_S = 5.0
"""Between two looks at the processes; each tells its highest memory so far by itself."""
ROUND = 1
IN_THE_FLOW = (
    *("judgements", "choose_practice", "train_expert", "settle_lesions"),
    *("decide_round", "draw_round_audit", "pose_questions"),
)
"""What the E-step does once, in the flow's own process while the workers wait."""


def main() -> None:
    """Every size in a process of its own, so that no memory is left from the one before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, nargs="+", default=[1000, 10000, 47315])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shard", type=int, default=SHARD)
    parser.add_argument("--url", help="a folder or s3:// URL for the workspaces; else a new folder")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        run_round(given.one, given.scans[0], given.seed, given.shard)
        return
    with tempfile.TemporaryDirectory() as scratch:
        for scans in given.scans:
            url = f"{(given.url or scratch).rstrip('/')}/{scans}"
            prepare(url, given.seed, scans, WORKERS)
            command = [sys.executable, __file__, "--scans", str(scans), "--seed", str(given.seed)]
            command += ["--shard", str(given.shard), "--one", url]
            own = {
                "PREFECT_HOME": f"{scratch}/prefect-{scans}",
                "PREFECT_LOGGING_LEVEL": "WARNING",
                "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
                "DASK_DISTRIBUTED__WORKER__PRELOAD": timed_workers.__file__,
                timed_workers.FOLDER: (times := tempfile.mkdtemp(dir=scratch)),
            }
            watched(command, os.environ | own)
            timed_workers.print_times(times, scans)


def watched(command: list[str], environment: dict[str, str]) -> None:
    """Run a command and print the highest memory that each of its processes held."""
    process = subprocess.Popen(command, env=environment)
    peaks: dict[int, tuple[str, float]] = {}
    while process.poll() is None:
        for pid, name, held in _held(process.pid):
            peaks[pid] = name, max(held, peaks.get(pid, ("", 0.0))[1])
        time.sleep(SAMPLE_S)
    if process.returncode:
        raise SystemExit(process.returncode)
    for name, held in sorted(peaks.values(), key=lambda one: -one[1])[:8]:
        print(f"  peak memory {held:7.0f} MiB  {name}", flush=True)


def _held(root: int) -> Iterator[tuple[int, str, float]]:
    """Every process below one, and itself: what it is and the most MiB it ever held."""
    try:
        top = psutil.Process(root)
        for process in (top, *top.children(recursive=True)):
            name = "flow" if process.pid == root else " ".join(process.cmdline()[1:4])[:60]
            yield process.pid, name, memory_mb("VmHWM", process.pid)
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return


def run_round(url: str, scans: int, seed: int, shard: int) -> None:
    """The E-step, revision and commit of one workspace, and what they took."""
    from flows.expectation import expectation  # noqa: PLC0415 - here alone is Prefect's home set
    from tasks.runtime import workers  # noqa: PLC0415

    store = Workspace.open(url)
    inputs = _inputs(store, seed, shard)
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    with workers(inputs.plan.settings.compute) as runner, _timed_stages(seconds):
        with _lap(seconds, "expectation"):
            expectation.with_options(task_runner=runner)(inputs)
        with _lap(seconds, "revision"):
            after = _revision(inputs, runner)
    total = time.perf_counter() - started
    print(f"{scans} scans: {total:.1f} s, {1000 * total / scans:.1f} ms a scan", flush=True)
    for name, took in seconds.items():
        print(f"  {name:24s} {took:8.1f} s  {1000 * took / scans:6.2f} ms a scan")
    print(f"  Prefect runs {json.dumps(_prefect_runs())}")
    _stored(store, inputs.version, after)


def _inputs(store: Workspace, seed: int, shard: int) -> StageInputs:
    compute = {"workers": WORKERS, "threads": 1, "shard_size": shard, "dask": "local"}
    settings = parse_settings({"seed": seed, "compute": {**compute, "device": "cpu"}})
    version = store.catalog.versions()[0]
    model = store_model(store.url, version)
    plan = RoundPlan(
        number=ROUND,
        base_version=version.number,
        model_key=model.key,
        settings=settings,
        code_version="benchmark",
        started=datetime.now(UTC),
    )
    store.write_document(f"rounds/{ROUND}/plan.json", plan)
    return StageInputs(workspace=store.url, plan=plan, version=version, model=model)


def _revision(inputs: StageInputs, runner: TaskRunner[Any]) -> DatasetVersion:
    """The M-step's first half, as ``flows/maximization`` has it."""
    from flows.stages import run_stage  # noqa: PLC0415
    from tasks.revise import commit_round, revise_shard  # noqa: PLC0415
    from tasks.round import revisable_scans  # noqa: PLC0415

    @flow(name="revision", task_runner=runner)
    def revision() -> DatasetVersion:
        scans = revisable_scans(inputs)
        return commit_round(
            inputs, run_stage("revise", revise_shard, inputs, scans, answered=True).blocks
        )

    return revision()


@contextmanager
def _timed_stages(seconds: dict[str, float]) -> Iterator[None]:
    """Time each stage of the flow, and what its own process spends on catalog and ledger."""
    from flows import expectation  # noqa: PLC0415

    plain = expectation.run_stage

    def timed(name: str, *given: Any, **more: Any) -> Any:
        with _lap(seconds, f"stage {name}"):
            return plain(name, *given, **more)

    places: list[tuple[Any, str, str]] = [
        (Catalog, "annotations", "catalog"),
        (Catalog, "commit", "catalog"),
    ]
    places += [(Ledger, "rows", "ledger"), (Ledger, "finished", "ledger")]
    places += [(expectation, name, name) for name in IN_THE_FLOW]
    kept = [(kind, name, getattr(kind, name)) for kind, name, _ in places]
    expectation.run_stage = timed
    for kind, name, word in places:
        setattr(kind, name, _lapped(getattr(kind, name), seconds, f"{word} in the flow"))
    try:
        yield
    finally:
        expectation.run_stage = plain
        for kind, name, own in kept:
            setattr(kind, name, own)


def _lapped(
    function: Callable[..., Any], seconds: dict[str, float], name: str
) -> Callable[..., Any]:
    def timed(*given: Any, **more: Any) -> Any:
        with _lap(seconds, name):
            return function(*given, **more)

    return timed


@contextmanager
def _lap(seconds: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - started


def _prefect_runs() -> dict[str, int]:
    """Runs of flows and of tasks in this run's own Prefect."""
    with get_client(sync_client=True) as client:
        return {
            "flow": int(client.request("POST", "/flow_runs/count", json={}).json()),
            "task": int(client.request("POST", "/task_runs/count", json={}).json()),
        }


def _stored(store: Workspace, before: DatasetVersion, after: DatasetVersion) -> None:
    """What lies in the workspace, and how quick questions to its catalog are."""
    folder = store.files.folder
    if folder is not None:
        objects = sum(len(files) for _, _, files in os.walk(folder))
        catalog = sum(p.stat().st_size for p in (folder / "catalog").rglob("*") if p.is_file())
        print(f"  {objects} objects, catalog of {catalog / 2**20:.1f} MiB")
    started = time.perf_counter()
    changes = store.catalog.changes(before, after)
    print(f"  {after.annotations} annotations, digest {after.digest}")
    print(f"  versions diff: {changes.height} rows in {time.perf_counter() - started:.2f} s")
    scan_id = str(store.catalog.scans(after)["scan_id"][-1])
    started = time.perf_counter()
    rows = store.catalog.annotations(after, (scan_id,))
    print(f"  point query: {rows.height} rows in {time.perf_counter() - started:.3f} s")


if __name__ == "__main__":
    main()
