"""Start, stop, kill or show the real services on a plain Debian machine: no Docker, no systemd.

python infra/services start [SERVICE...]    what does not run yet; returns when all answer
python infra/services stop [SERVICE...]     exactly what was started
python infra/services kill [PROCESS...]     as a crash would, to see what survives it
python infra/services status                processes, and whether they run
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable

import yaml
from cluster import page_url, scheduler_url, start_cluster
from daemon import engine_environment, kill, kill_stragglers, pid_of, started, stop
from database import database_url, start_database
from object_store import BUCKETS, ObjectStore
from orchestration import api_url, start_orchestration
from place import Place, ServiceError
from tracking import start_tracking, tracking_url


class Services:
    """All five, in the order in which they need each other."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.store = ObjectStore(place)
        self.start: dict[str, Callable[[], None]] = {
            "ceph": self.store.start,
            "postgres": lambda: start_database(place),
            "prefect": lambda: start_orchestration(place, self._of_flows),
            "mlflow": lambda: start_tracking(place, self.store.environment),
            "dask": lambda: start_cluster(place, self._of_flows),
        }

    @property
    def environment(self) -> dict[str, str]:
        """By what clients, flows and workers find all of them."""
        return {
            **self.store.environment,
            "PGPASSFILE": str(self.place.password_file),
            "PREFECT_API_URL": api_url(self.place),
            "MLFLOW_TRACKING_URI": tracking_url(self.place),
            "SCALEMAI_BUCKET": f"s3://{BUCKETS[0]}",
            "SCALEMAI_SERVICES": str(self.place.folder),
            "SCALEMAI_SETTINGS": str(self.place.folder / "settings.yaml"),
        }

    @property
    def _of_flows(self) -> dict[str, str]:
        return {**engine_environment(), **self.environment}

    @property
    def settings(self) -> dict[str, dict[str, str]]:
        """The sections of the engine's settings that name services."""
        return {
            "compute": {"dask": scheduler_url(self.place)},
            "review": {"database": database_url(self.place, "review", "psycopg")},
            "tracking": {"uri": tracking_url(self.place)},
        }

    @property
    def pages(self) -> dict[str, str]:
        """Where each is reached."""
        return {
            "ceph": self.store.url,
            "postgres": self.place.address("postgres"),
            "prefect": api_url(self.place).removesuffix("/api"),
            "mlflow": tracking_url(self.place),
            "dask": f"{scheduler_url(self.place)}, page {page_url(self.place)}",
        }

    def write_down(self) -> None:
        """Files for shells and for ``scalemai --settings``."""
        lines = [f"export {name}={shlex.quote(v)}\n" for name, v in self.environment.items()]
        (self.place.folder / "settings.yaml").write_text(yaml.safe_dump(self.settings))
        self.place.write_private(self.place.environment_file, "".join(lines))


def start_all(services: Services, names: list[str]) -> None:
    """Start the services of these names, or all; tells how long each took."""
    for name, begin in services.start.items():
        if not names or name in names:
            clock = time.monotonic()
            begin()
            seconds = time.monotonic() - clock
            print(f"{name:10} {seconds:6.1f} s   {services.pages[name]}", flush=True)
    services.write_down()
    print(f"source {services.place.environment_file}")


def run_all(services: Services, names: list[str]) -> None:
    """Start, stay until a signal comes or a process ends, stop."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    with services.place.locked():
        start_all(services, names)
    while not asked.wait(1.0):
        gone = [name for name in started(services.place) if pid_of(services.place, name) is None]
        if gone:
            raise ServiceError(f"{', '.join(gone)} ended")
    stop_all(services.place, names)


def stop_all(place: Place, names: list[str]) -> None:
    """Stop processes, the latest first; without names also what their children left."""
    if not names:
        place.environment_file.unlink(missing_ok=True)
    for process in started(place):
        if not names or process.split("-")[0] in names:
            stop(place, process)
            print(f"stopped {process}")
    left = 0 if names else kill_stragglers(place)
    if left:
        print(f"ended {left} processes that they left behind")


def kill_all(place: Place, names: list[str]) -> None:
    """Kill -9 of processes or services by name, or of everything."""
    for process in started(place):
        if not names or process in names or process.split("-")[0] in names:
            print(f"{process}: {'killed' if kill(place, process) else 'did not run'}")
    if not names:
        kill_stragglers(place)


def show(place: Place) -> None:
    """One line a process."""
    for process in reversed(started(place)):
        pid = pid_of(place, process)
        print(f"{process:16} {'does not run' if pid is None else f'runs as {pid}'}")


def main() -> int:
    """Run one command; a mistake is one message and code 1."""
    parser = argparse.ArgumentParser(description="The real services of one machine.")
    parser.add_argument("command", choices=("start", "run", "stop", "kill", "status"))
    parser.add_argument("names", nargs="*", help="ceph, postgres, prefect, mlflow, dask")
    asked = parser.parse_args()
    place = Place.default()
    try:
        if asked.command == "run":
            run_all(Services(place), asked.names)
            return 0
        with place.locked():
            if asked.command == "start":
                start_all(Services(place), asked.names)
            elif asked.command == "stop":
                stop_all(place, asked.names)
            elif asked.command == "kill":
                kill_all(place, asked.names)
            else:
                show(place)
    except ServiceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
