"""A process in the background, known by a file, and ended by nobody who did not start it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from place import PRIVATE, ROOT, Place, ServiceError

GRACE_SECONDS = 20.0
"""A service that is asked to end has this long."""
MARK = "SCALEMAI_SERVICES_MARK"
"""In the environment of every process that services start, and of those that these start."""
DEAD = "ZX"
"""States of a process that has ended, in Linux's letters."""
ORDER = (
    "ceph-monitor",
    "ceph-disk",
    "ceph-gateway",
    "postgres",
    "prefect-server",
    "prefect-worker",
    "mlflow",
    "dask-scheduler",
    "dask-workers",
)
"""Each needs only what stands before it."""


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """One process to be started; ``user`` and ``group`` where root starts it as somebody else."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int | None = None
    group: int | None = None
    stop_signal: int = signal.SIGTERM

    def start(self, place: Place) -> bool:
        """Start it unless it runs; whether it had to be started."""
        if pid_of(place, self.name) is not None:
            return False
        log = place.folder / "log" / f"{self.name}.log"
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE)) as out:
            process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**clean_environment(), **self.environment, MARK: place.secret("mark")},
                cwd=ROOT if self.user is None else "/",
                user=self.user,
                group=self.group,
                extra_groups=None if self.user is None else [],
                start_new_session=True,
            )
        born = _born(process.pid)
        note = f"{process.pid} {born} {int(self.stop_signal)}\n"
        place.write_private(_note(place, self.name), note)
        return True

    def await_healthy(self, place: Place, healthy: Callable[[], bool], seconds: float) -> None:
        """Return once it answers; raises ServiceError with the end of its log."""
        deadline = time.monotonic() + seconds
        while not _answers(healthy):
            self.refuse_ended(place)
            if time.monotonic() > deadline:
                raise self._error(place, f"does not answer after {seconds:.0f} s")
            time.sleep(0.1)

    def refuse_ended(self, place: Place) -> None:
        """Raise ServiceError, with the end of its log, unless it runs."""
        if pid_of(place, self.name) is None:
            raise self._error(place, "ended")

    def _error(self, place: Place, what: str) -> ServiceError:
        log = place.folder / "log" / f"{self.name}.log"
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        return ServiceError(f"{self.name} {what}; the end of {log}:\n{last}")


def clean_environment() -> dict[str, str]:
    """What services inherit: nothing that would point them at other services."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


def engine_environment() -> dict[str, str]:
    """What flows and shards take from whoever starts them: keys, and their patience with a store.

    It stands in no file: who starts them again gives it again.
    """
    ours = (name for name in os.environ if name.startswith("SCALEMAI_"))
    return {name: os.environ[name] for name in ours if not name.startswith("SCALEMAI_SERVICES")}


def pid_of(place: Place, name: str) -> int | None:
    """The process that was started under this name, if it still runs."""
    try:
        pid, born, _ = map(int, _note(place, name).read_text().split())
    except (FileNotFoundError, ValueError):
        return None
    return pid if _born(pid) == born else None


def started(place: Place) -> list[str]:
    """Names of all that was started and not stopped, each before what it needs."""
    names = [path.stem for path in sorted((place.folder / "run").glob("*.pid"))]
    place_of = {name: index for index, name in enumerate(ORDER)}
    return sorted(names, key=lambda name: place_of.get(name, len(ORDER)), reverse=True)


def stop(place: Place, name: str) -> None:
    """Ask the process to end, insist after a while, and forget it."""
    pid = pid_of(place, name)
    if pid is not None:
        number = int(_note(place, name).read_text().split()[2])
        os.kill(pid, number)
        deadline = time.monotonic() + GRACE_SECONDS
        while pid_of(place, name) == pid and time.monotonic() < deadline:
            time.sleep(0.05)
        if pid_of(place, name) == pid:
            os.killpg(pid, signal.SIGKILL)
    _note(place, name).unlink(missing_ok=True)


def kill(place: Place, name: str) -> bool:
    """End the process and its group as a crash would, without asking; whether it ran."""
    pid = pid_of(place, name)
    if pid is not None:
        os.killpg(pid, signal.SIGKILL)
        while pid_of(place, name) == pid:
            time.sleep(0.01)
    return pid is not None


def kill_stragglers(place: Place) -> int:
    """End what the services' own children left behind; how many there were."""
    mark = f"{MARK}={place.secret('mark')}".encode()
    left = [pid for pid, environment in _environments() if mark in environment.split(b"\0")]
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    while any(_born(pid) is not None for pid in left):
        time.sleep(0.01)
    return len(left)


def _answers(healthy: Callable[[], bool]) -> bool:
    try:
        return healthy()
    except OSError:
        return False


def _note(place: Place, name: str) -> Path:
    return place.folder / "run" / f"{name}.pid"


def _born(pid: int) -> int | None:
    """When the process began, in ticks since boot: a number that came again is another process."""
    try:
        # The name in brackets may hold anything; fields are counted behind it.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in DEAD else int(fields[19])


def _environments() -> Iterator[tuple[int, bytes]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                yield int(folder.name), (folder / "environ").read_bytes()
            except OSError:
                continue
