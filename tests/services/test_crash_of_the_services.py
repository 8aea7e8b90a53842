"""Object store and database are killed and started again: what was written is there."""

from __future__ import annotations

import subprocess
import sys
import uuid

import psycopg
import pytest
from running_services import ROOT, Room, libpq, remove_all
from sqlalchemy import make_url

from scalemai_core.store.workspace import Workspace

pytestmark = pytest.mark.services


def services(*command: str) -> str:
    """What the script says."""
    call = [sys.executable, str(ROOT / "infra" / "services"), *command]
    done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def processes() -> dict[str, str]:
    """Name and state of everything that was started."""
    return dict(line.split(maxsplit=1) for line in services("status").splitlines())


def test_a_second_start_does_nothing() -> None:
    before = processes()
    services("start")
    assert processes() == before
    assert all(state.startswith("runs as") for state in before.values())


def test_what_was_written_survives_a_kill(our_room: Room) -> None:
    server = libpq(make_url(our_room.database))
    folder = f"crash_{uuid.uuid4().hex[:12]}"
    store = Workspace.create(f"{our_room.workspace}/{folder}")
    store.files.write_bytes("document", b"written before the crash")
    with psycopg.connect(server) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    services("kill", "ceph", "postgres")
    stopped = processes()
    assert {stopped["ceph-disk"], stopped["postgres"]} == {"does not run"}
    services("start")
    assert Workspace.open(store.url).files.read_bytes("document") == b"written before the crash"
    with psycopg.connect(server) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (42,)
    remove_all(store.url)
