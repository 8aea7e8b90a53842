"""What the orchestration costs: a round's E-step by Prefect against the same work in a plain loop.

``PYTHONPATH=.:benchmarks python benchmarks/orchestration.py [--seed N] [--scans N] [--pairs N]
[--shard-size N]`` paints scans of 128 x 192 x 192 voxels with 88 structures, some of them faulty,
and works the E-step on them with a network of one linear layer: predict, judge, rehearse, compare,
decide, compose, pose the questions. One arm is the flow, with a Prefect server of its own; the
other calls the functions inside the same tasks one after another, without Prefect. Both plan
shards, and both write voxels, ledger and tables.

Counted are processor seconds: of the process that works (children included) and, for the flow, of
the server too, from the first call until the server is quiet again. What is paid once (imports, the
server's start) is printed apart. Pairs take turns in who begins; the interval is a bootstrap of the
median ratio.
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from processor import seconds_of

IMPORTS = {
    "the core alone": "import scalemai_core.learn.predict.predictor, scalemai_core.judge.judgement",
    "the flows and Prefect": "import flows.em_round",
}
START_SECONDS = 300


@contextmanager
def prefect_server(home: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Its process, and the environment that leads to it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        "DO_NOT_TRACK": "1",
        "OMP_NUM_THREADS": "1",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)],
        env=os.environ | own,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"{own['PREFECT_API_URL']}/health")
        yield server.pid, os.environ | own
    finally:
        server.terminate()
        server.wait(60)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(url).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    sys.exit("the Prefect server did not start")


def print_start_up(server: int) -> None:
    """What is paid once a process."""
    print(f"start-up: Prefect's server {seconds_of(server):.1f} processor seconds")
    for name, code in IMPORTS.items():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"start-up: imports of {name} {spent:.1f} processor seconds", flush=True)


def main() -> None:
    """Parse the command line, start a server, and have the pairs played by a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scans", type=int, default=16)
    parser.add_argument("--shard-size", type=int, default=16)
    parser.add_argument("--pairs", type=int, default=9)
    options = parser.parse_args()
    numbers = [options.seed, options.scans, options.shard_size, options.pairs]
    with (
        tempfile.TemporaryDirectory(prefix="scalemai-orchestration-") as folder,
        prefect_server(Path(folder, "prefect")) as (server, environment),
    ):
        print_start_up(server)
        pairs = [sys.executable, str(Path(__file__).with_name("orchestration_pairs.py"))]
        arguments = [f"{folder}/workspace", str(server), *map(str, numbers)]
        subprocess.run([*pairs, *arguments], env=environment, check=True)


if __name__ == "__main__":
    main()
