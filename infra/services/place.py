"""The folder in which all services keep their state, and what is drawn once for all starts."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FIRST_PORT = int(os.environ.get("SCALEMAI_SERVICES_PORT", "23000"))
"""Below the range that outgoing connections take theirs from, so that a port stays free."""
HOST = "127.0.0.1"
LISTEN = os.environ.get("SCALEMAI_SERVICES_LISTEN", HOST)
"""Where the object store is heard; ``0.0.0.0`` in a container. Everything else stays on HOST."""
PRIVATE = 0o600
ENTERED = 0o711
"""PostgreSQL runs as another user when root starts it: it may pass, and list nothing."""


class ServiceError(Exception):
    """Why a service does not run, and what to do about it."""


class Place:
    """``SCALEMAI_SERVICES``, else ``.services`` in the checkout: ports, passwords, data, logs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "drawn.json"
        for name in ("", "run", "log"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name).chmod(ENTERED)
        self._drawn: dict[str, Any] = {"ports": {}, "secrets": {}}
        if self._file.exists():
            self._drawn = json.loads(self._file.read_text())

    @classmethod
    def default(cls) -> Place:
        """Where the environment says."""
        return cls(Path(os.environ.get("SCALEMAI_SERVICES") or ROOT / ".services").absolute())

    @property
    def environment_file(self) -> Path:
        """What a shell sources; written when a start has ended, gone after a stop."""
        return self.folder / "services.env"

    @property
    def password_file(self) -> Path:
        """PostgreSQL's passwords, in the form that every client of it reads."""
        return self.folder / "pgpass"

    def port(self, name: str) -> int:
        """The service's port: free when first asked for, and the same ever after."""
        ports: dict[str, int] = self._drawn["ports"]
        if name not in ports:
            ports[name] = _free_port(FIRST_PORT, taken=set(ports.values()))
            self._keep()
        return ports[name]

    def address(self, name: str) -> str:
        """Host and port of a service."""
        return f"{HOST}:{self.port(name)}"

    def secret(self, name: str) -> str:
        """A password: drawn on the first start, unless SCALEMAI_SERVICES_<NAME> gives it."""
        given = os.environ.get(f"SCALEMAI_SERVICES_{name.upper().replace(' ', '_')}")
        if given:
            return given
        drawn: dict[str, str] = self._drawn["secrets"]
        if name not in drawn:
            drawn[name] = secrets.token_hex(20)
            self._keep()
        return drawn[name]

    def write_private(self, path: Path, text: str) -> None:
        """Write a file that only its owner reads, whole or not at all."""
        scratch = path.with_name(f".{path.name}.new")
        scratch.unlink(missing_ok=True)
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w") as new:
            new.write(text)
        scratch.replace(path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One start or stop at a time."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _keep(self) -> None:
        self.write_private(self._file, json.dumps(self._drawn, indent=1))


def program(name: str, package: str, *folders: str) -> str:
    """Path of an installed program; raises ServiceError naming Debian's package."""
    search = os.pathsep.join([*folders, os.environ.get("PATH", ""), "/usr/bin", "/usr/sbin"])
    found = shutil.which(name, path=search)
    if found is None:
        raise ServiceError(
            f"{name} is not installed: apt-get install --no-install-recommends {package}"
        )
    return found


def _free_port(first: int, taken: set[int]) -> int:
    for port in range(first, first + 1000):
        if port in taken:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise ServiceError(f"no free port from {first} on: set SCALEMAI_SERVICES_PORT")
