"""What is started is known by a file, and nobody else's process is ended."""

from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from daemon import Daemon, engine_environment, kill, kill_stragglers, pid_of, started, stop
from place import HOST, Place, ServiceError

SLEEP = ("sleep", "600")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path / "services")
    yield found
    for name in started(found):
        kill(found, name)
    kill_stragglers(found)


def test_what_runs_is_not_started_twice(place: Place) -> None:
    daemon = Daemon(name="sleeper", command=SLEEP)
    assert daemon.start(place)
    pid = pid_of(place, "sleeper")
    assert not daemon.start(place)
    assert pid_of(place, "sleeper") == pid


def test_what_was_killed_is_started_again(place: Place) -> None:
    daemon = Daemon(name="sleeper", command=SLEEP)
    daemon.start(place)
    first = pid_of(place, "sleeper")
    assert kill(place, "sleeper")
    assert pid_of(place, "sleeper") is None
    assert daemon.start(place)
    assert pid_of(place, "sleeper") not in (None, first)


def test_a_number_that_now_belongs_to_another_process_is_left_alone(place: Place) -> None:
    with subprocess.Popen(SLEEP) as stranger:
        note = place.folder / "run" / "sleeper.pid"
        note.write_text(f"{stranger.pid} 1 {int(signal.SIGTERM)}\n")
        assert pid_of(place, "sleeper") is None
        assert not kill(place, "sleeper")
        stop(place, "sleeper")
        assert stranger.poll() is None
        assert not note.exists()
        stranger.kill()


def test_a_stop_also_ends_what_left_the_process_group(place: Place) -> None:
    code = (
        "import subprocess, time;"
        "subprocess.Popen(['sleep', '600'], start_new_session=True);"
        "time.sleep(600)"
    )
    Daemon(name="parent", command=(sys.executable, "-c", code)).start(place)
    mark = f"SCALEMAI_SERVICES_MARK={place.secret('mark')}".encode()

    def marked() -> set[int]:
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes():
                    found.add(int(folder.name))
            except OSError:
                continue
        return found

    while len(marked()) < 2:
        time.sleep(0.05)
    with subprocess.Popen(SLEEP) as stranger:
        stop(place, "parent")
        assert kill_stragglers(place) == 1
        assert stranger.poll() is None
        stranger.kill()
    assert not marked()


def test_a_service_that_ends_at_once_is_told_with_its_last_words(place: Place) -> None:
    daemon = Daemon(name="sad", command=("sh", "-c", "echo no such disk >&2; exit 3"))
    daemon.start(place)
    with pytest.raises(ServiceError, match="no such disk"):
        daemon.await_healthy(place, lambda: False, seconds=30)


def test_passwords_and_ports_are_drawn_once_and_read_by_their_owner_only(place: Place) -> None:
    secret, port = place.secret("mlflow"), place.port("mlflow")
    again = Place(place.folder)
    assert (again.secret("mlflow"), again.port("mlflow")) == (secret, port)
    assert again.secret("prefect") != secret
    modes = {stat.S_IMODE(path.stat().st_mode) for path in place.folder.glob("*.json")}
    assert modes == {0o600}


def test_a_port_that_somebody_listens_on_is_not_drawn(place: Place) -> None:
    with socket.socket() as taken:
        listen_on_the_first_free_port_after(taken, place.port("first"))
        assert place.port("second") > taken.getsockname()[1]


def listen_on_the_first_free_port_after(taken: socket.socket, port: int) -> None:
    for candidate in range(port + 1, port + 100):
        with suppress(OSError):
            taken.bind((HOST, candidate))
            taken.listen()
            return


def test_nothing_points_a_service_at_services_that_the_user_named(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://elsewhere/api")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of somebody else")
    Daemon(name="env", command=("sh", "-c", "env; sleep 600")).start(place)
    log = place.folder / "log" / "env.log"
    while "SCALEMAI_SERVICES_MARK" not in log.read_text():
        time.sleep(0.05)
    assert "elsewhere" not in log.read_text()
    assert "somebody" not in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_flows_take_the_engines_variables_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCALEMAI_PATIENT_KEY", "k")
    monkeypatch.setenv("SCALEMAI_SERVICES_PORT", "1")
    monkeypatch.setenv("AWS_PROFILE", "somebody's")
    passed = engine_environment()
    assert passed["SCALEMAI_PATIENT_KEY"] == "k"
    assert all(name.startswith("SCALEMAI_") for name in passed)
    assert "SCALEMAI_SERVICES_PORT" not in passed
