"""How much a client may send, and how often it may guess."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MEGABYTE = 1_000_000
KILOBYTE = 1_000
MOST_ADDRESSES = 10_000


class BodyTooLarge(HTTPException):
    """More came than is taken; nothing behind the limit is read."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the request is larger than the {most_bytes / MEGABYTE:g} MB that are taken here",
        )


class BodyGate:
    """ASGI middleware: reads a body only of those who are known, and only up to its limit.

    ``most_bytes`` says how much a method and a path may send, whatever length is announced;
    ``admit`` raises HTTPException before the first byte is read.
    """

    def __init__(
        self,
        app: ASGIApp,
        most_bytes: Callable[[str, str], int],
        admit: Callable[[Request], object],
    ) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._admit = admit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counted body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most_bytes(scope["method"], scope["path"])
        announced = Headers(scope=scope).get("content-length", "")
        taken = 0
        admitted = scope["method"] in SAFE_METHODS

        async def counted() -> Message:
            nonlocal taken, admitted
            if not admitted:
                await run_in_threadpool(self._admit, Request(scope))
                admitted = True
            if announced.isdecimal() and int(announced) > most:
                raise BodyTooLarge(most)
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise BodyTooLarge(most)
            return message

        await self._app(scope, counted, send)


class Brake:
    """Counts what an address got wrong lately; bounded, and of this process alone.

    A token has 256 random bits, so no guess comes near: the brake keeps guessing from costing
    the queue's database anything, and shows in the log.
    """

    def __init__(
        self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()

    def wait_seconds(self, address: str) -> float:
        """How long the address has to wait; 0 where it may try."""
        with self._lock:
            times = self._recent(address)
            return times[-self._most] + self._seconds - self._clock() if self._full(times) else 0.0

    def wrong(self, address: str) -> None:
        """Count a wrong token."""
        with self._lock:
            times = [*self._recent(address), self._clock()]
            self._wrong[address] = times[-self._most :]
            self._wrong.move_to_end(address)
            while len(self._wrong) > MOST_ADDRESSES:
                self._wrong.popitem(last=False)

    def _full(self, times: list[float]) -> bool:
        return len(times) >= self._most

    def _recent(self, address: str) -> list[float]:
        oldest = self._clock() - self._seconds
        return [one for one in self._wrong.get(address, ()) if one > oldest]
