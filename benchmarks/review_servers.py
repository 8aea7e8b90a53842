"""Desks in processes of their own, and clients that go on with another when theirs is killed."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Client, Listener
from pathlib import Path
from typing import Any

from scalemai_core.errors import ScaleMAIError
from scalemai_core.records.base import Record
from scalemai_core.review.desk import Desk
from scalemai_core.review.queue.queue import Queue
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.workspace import Workspace

SPAWN = multiprocessing.get_context("spawn")


class Place(Record):
    """What a server needs to serve one round."""

    workspace: str
    database: str
    round: int
    lease_seconds: float
    storing_seconds: float


class ServerLostError(Exception):
    """The server was killed before it answered: nobody knows what became of the request."""


def serve(place: Place, address: str) -> None:
    """Answer (method, arguments) with (result, error), a thread a connection."""
    queue = Queue(place.database, storing_seconds=place.storing_seconds)
    settings = ReviewSettings(lease_seconds=place.lease_seconds)
    desk = Desk(Workspace.open(place.workspace), queue, place.round, settings)
    with Listener(address, "AF_UNIX", backlog=128) as listener:
        while True:
            threading.Thread(target=_talk, args=(desk, listener.accept()), daemon=True).start()


def _talk(desk: Desk, connection: Any) -> None:
    while True:
        try:
            method, arguments = connection.recv()
        except (EOFError, OSError):
            return
        try:
            reply: tuple[Any, ScaleMAIError | None] = (getattr(desk, method)(*arguments), None)
        except ScaleMAIError as error:
            reply = (None, error)
        connection.send(reply)


class Servers:
    """A few servers of one queue; one of them may be killed and comes back."""

    def __init__(self, place: Place, folder: Path, number: int) -> None:
        self.place = place
        self.addresses = [str(folder / f"server-{n}.sock") for n in range(number)]
        self._processes = [self._start(address) for address in self.addresses]

    def _start(self, address: str) -> Any:
        process = SPAWN.Process(target=serve, args=(self.place, address), daemon=True)
        process.start()
        return process

    def kill(self, number: int) -> None:
        """End one with SIGKILL, whatever it is doing."""
        self._processes[number].kill()
        self._processes[number].join()

    def restart(self, number: int) -> None:
        """Start it again at its address."""
        Path(self.addresses[number]).unlink(missing_ok=True)
        self._processes[number] = self._start(self.addresses[number])

    @contextmanager
    def running(self) -> Iterator[Servers]:
        """Until the block ends; starts when all of them listen."""
        try:
            for address in self.addresses:
                Caller([address], 0).close()
            yield self
        finally:
            for process in self._processes:
                process.kill()
                process.join()


class Caller:
    """One client's connection to whichever server it reaches."""

    def __init__(self, addresses: list[str], first: int) -> None:
        self._addresses = addresses
        self._next = first
        self._connection = self._connect()

    def call(self, method: str, *arguments: object) -> Any:
        """The method's result; raises its error, or ServerLostError."""
        try:
            self._connection.send((method, arguments))
            result, error = self._connection.recv()
        except (EOFError, OSError) as lost:
            self._connection = self._connect()
            raise ServerLostError from lost
        if error is not None:
            raise error
        return result

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _connect(self) -> Any:
        until = time.monotonic() + 60
        while True:
            address = self._addresses[self._next % len(self._addresses)]
            self._next += 1
            try:
                return Client(address, "AF_UNIX")
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
