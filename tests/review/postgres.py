"""A PostgreSQL server of one's own in a temporary folder, gone when it is no longer needed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

START_SECONDS = 30


class NoPostgresError(Exception):
    """Why no server can be started here."""


@contextmanager
def postgres() -> Iterator[str]:
    """Start a server and yield its SQLAlchemy URL; raises NoPostgresError with the reason."""
    initdb, server = shutil.which("initdb"), shutil.which("postgres")
    if initdb is None or server is None:
        raise NoPostgresError("initdb and postgres are not installed")
    user = _unprivileged()
    with tempfile.TemporaryDirectory(prefix="pg") as scratch:
        folder = Path(scratch)
        if user is not None:
            os.chown(folder, *user)
        data = str(folder / "data")
        _run([initdb, "-D", data, "-U", "reader", "-A", "trust", "--no-sync"], user)
        port = _free_port()
        process = subprocess.Popen(
            [server, "-D", data, "-k", scratch, "-h", "127.0.0.1", "-p", str(port),
             "-c", "max_connections=200", "-c", "fsync=off"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=scratch,
            **_identity(user),
        )  # fmt: skip
        try:
            url = f"postgresql://reader@127.0.0.1:{port}/postgres"
            _await_start(process, url)
            yield url
        finally:
            process.send_signal(2)  # fast shutdown
            process.wait(START_SECONDS)


def _unprivileged() -> tuple[int, int] | None:
    """PostgreSQL refuses to run as root; anybody else will do."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise NoPostgresError("running as root, and there is no other user to run PostgreSQL as")


def _identity(user: tuple[int, int] | None) -> dict[str, int]:
    return {} if user is None else {"user": user[0], "group": user[1]}


def _run(command: list[str], user: tuple[int, int] | None) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd="/", **_identity(user)
    )
    if done.returncode:
        raise NoPostgresError(f"initdb failed: {done.stderr.strip()[-300:]}")


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _await_start(process: subprocess.Popen[bytes], url: str) -> None:
    for _ in range(START_SECONDS * 20):
        if process.poll() is not None:
            raise NoPostgresError(f"postgres ended at once with code {process.returncode}")
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise NoPostgresError("postgres took no connection")
