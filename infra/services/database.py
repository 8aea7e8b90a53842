"""PostgreSQL: one server, a database and an owner of its own for everyone who needs one."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg
from daemon import Daemon, clean_environment
from place import HOST, Place, ServiceError, program
from psycopg import sql

DATABASES = ("prefect", "mlflow", "review")
START_SECONDS = 60.0
START_TRIES = 5
FOLDERS = tuple(map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)))


def start_database(place: Place) -> None:
    """Start the server and make what is missing in it."""
    data = place.folder / "postgres"
    user, group = _unprivileged()
    _refuse_closed_way(data, user)
    initdb, server = (program(name, "postgresql", *FOLDERS) for name in ("initdb", "postgres"))
    _write_passwords(place)
    if not _ready(place).exists():
        _initialize(place, initdb, data, user, group)
    daemon = Daemon(
        name="postgres",
        command=(
            server, "-D", str(data), "-k", "", "-h", HOST, "-p", str(place.port("postgres")),
            "-c", "max_connections=200",
        ),
        user=user,
        group=group,
        stop_signal=signal.SIGINT,  # ends sessions, then ends; SIGTERM waits for them
    )  # fmt: skip
    for tries_left in reversed(range(START_TRIES)):
        daemon.start(place)
        try:
            daemon.await_healthy(place, lambda: _answers(place), START_SECONDS)
        except ServiceError:
            # Killed a moment ago, its memory may still be held by a process that is ending.
            if not tries_left:
                raise
            time.sleep(1.0)
        else:
            break
    _make_databases(place)


def database_url(place: Place, name: str, driver: str) -> str:
    """SQLAlchemy's URL of a database; the password stays in the file that PGPASSFILE names."""
    return f"postgresql+{driver}://{name}@{place.address('postgres')}/{name}"


def _unprivileged() -> tuple[int | None, int | None]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None, None
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError as error:
        raise ServiceError("no user postgres: apt-get install postgresql") from error
    return entry.pw_uid, entry.pw_gid


def _refuse_closed_way(data: Path, user: int | None) -> None:
    if user is None:
        return
    for folder in data.parents:
        if not folder.stat().st_mode & 0o001:
            raise ServiceError(
                f"PostgreSQL runs as the user postgres, who may not pass through {folder}: "
                "set SCALEMAI_SERVICES to a folder elsewhere"
            )


def _write_passwords(place: Place) -> None:
    port = place.port("postgres")
    owners = ("postgres", *DATABASES)
    lines = [f"{HOST}:{port}:*:{who}:{place.secret(who)}\n" for who in owners]
    place.write_private(place.password_file, "".join(lines))


def _initialize(place: Place, initdb: str, data: Path, user: int | None, group: int | None) -> None:
    """Lay the files out; one that was killed in between begins anew."""
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    password = place.folder / "postgres.password"
    place.write_private(password, place.secret("postgres") + "\n")
    if user is not None and group is not None:
        os.chown(data, user, group)
        os.chown(password, user, group)
    done = subprocess.run(
        [
            initdb, "-D", str(data), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
            "-A", "scram-sha-256", "--pwfile", str(password),
        ],
        capture_output=True, text=True, check=False, cwd="/",
        user=user, group=group, extra_groups=None if user is None else [],
        env=clean_environment(),
    )  # fmt: skip
    password.unlink()
    if done.returncode:
        raise ServiceError(f"initdb failed: {done.stderr.strip()[-500:]}")
    _ready(place).touch()


def _ready(place: Place) -> Path:
    """Written once all files are laid out."""
    return place.folder / "postgres.ready"


def _connect(place: Place) -> psycopg.Connection:
    return psycopg.connect(
        host=HOST, port=place.port("postgres"), user="postgres", dbname="postgres",
        password=place.secret("postgres"), connect_timeout=5, autocommit=True,
    )  # fmt: skip


def _answers(place: Place) -> bool:
    try:
        _connect(place).close()
    except psycopg.OperationalError:
        return False
    return True


def _make_databases(place: Place) -> None:
    with _connect(place) as connection:
        roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        there = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        for name in DATABASES:
            who = sql.Identifier(name)
            if name not in roles:
                secret = sql.Literal(place.secret(name))
                # Every workspace takes a queue of its own, so that its owner makes databases.
                right = sql.SQL("CREATEDB" if name == "review" else "NOCREATEDB")
                role = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} {}")
                connection.execute(role.format(who, secret, right))
            if name not in there:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(who, who))
