"""A network that fails by plan: a proxy between the engine and an S3 server."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PIECE = 1 << 16
SLOW_DOWN = (
    b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>SlowDown</Code>"
    b"<Message>Please reduce your request rate.</Message></Error>"
)


@dataclass(frozen=True, kw_only=True)
class Weather:
    """Shares of requests, and how long a slow one takes."""

    busy: float = 0.05
    cut: float = 0.01
    slow: float = 0.01
    slow_s: float = 5.0
    seed: int = 0
    lose: tuple[str, str] | None = None
    """Method and part of a path: of such a request the first answer is lost for certain."""

    def fates(self) -> Iterator[str]:
        """What becomes of one request after the other."""
        dice = random.Random(self.seed)
        kinds = {"busy": self.busy, "cut": self.cut, "slow": self.slow}
        while True:
            passed = 1.0 - sum(kinds.values())
            yield dice.choices([*kinds, "passed"], [*kinds.values(), passed])[0]

    def loses(self, asked: str) -> bool:
        """Whether an answer to this is lost when it is asked for the first time."""
        return bool(self.lose and asked.startswith(self.lose[0]) and self.lose[1] in asked)


@dataclass
class Network:
    """A running proxy; ``counts`` of what it did to requests, by fate."""

    url: str
    counts: Counter[str] = field(default_factory=Counter)
    cut_requests: list[str] = field(default_factory=list)
    """Method and path of those whose answer was cut: the server had done what was asked."""


class _Proxy:
    """One request a connection: lengths need not be understood on the way back."""

    def __init__(self, target: tuple[str, int], weather: Weather, network: Network) -> None:
        self._target, self._weather, self._network = target, weather, network
        self._fates = weather.fates()
        self._seen: set[str] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._pass(reader, writer)
        with suppress(OSError, asyncio.CancelledError):
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].split(b"\r\n")
        fields = {k.lower(): v.strip() for k, _, v in (line.partition(b":") for line in lines)}
        if fields.get(b"expect"):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await _body(reader, fields)
        asked = first.rsplit(b" ", 1)[0].decode()
        fate = next(self._fates)
        if self._weather.loses(asked) and asked not in self._seen:
            fate = "cut"
        self._seen.add(asked)
        self._network.counts[fate] += 1
        if fate == "busy":
            await _refuse(writer, with_body=not first.startswith(b"HEAD "))
            return
        if fate == "slow":
            await asyncio.sleep(self._weather.slow_s)
        kept = [line for line in lines if line.partition(b":")[0].lower() not in _HOP_BY_HOP]
        request = b"\r\n".join([first, *kept, b"Connection: close"]) + b"\r\n\r\n" + body
        answer = await self._answer(request, writer if fate != "cut" else None)
        if fate == "cut":
            self._network.cut_requests.append(asked)
            # Within the body, so that it breaks off; where there is none, no answer comes at all.
            start = answer.index(b"\r\n\r\n") + 4
            has_body = len(answer) > start + 1 and not asked.startswith("HEAD ")
            writer.write(answer[: (start + len(answer)) // 2] if has_body else b"")
            await writer.drain()

    async def _answer(self, request: bytes, writer: asyncio.StreamWriter | None) -> bytes:
        """The server's answer, all of it; passed on as it comes where there is a writer."""
        there, back = await asyncio.open_connection(*self._target)
        try:
            back.write(request)
            await back.drain()
            kept = bytearray()
            while piece := await there.read(PIECE):
                if writer is None:
                    kept += piece
                else:
                    writer.write(piece)
                    await writer.drain()
            return bytes(kept)
        finally:
            back.close()


_HOP_BY_HOP = (b"connection", b"expect")


async def _body(reader: asyncio.StreamReader, fields: dict[bytes, bytes]) -> bytes:
    """The request's body as it came, chunks and all."""
    if fields.get(b"transfer-encoding", b"").lower() != b"chunked":
        return await reader.readexactly(int(fields.get(b"content-length", b"0")))
    body = b""
    while not body.endswith(b"0\r\n\r\n"):
        line = await reader.readline()
        body += line + await reader.readexactly(int(line.split(b";")[0], 16) + 2)
    return body


async def _refuse(writer: asyncio.StreamWriter, *, with_body: bool) -> None:
    head = b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    writer.write(head + b"Content-Length: %d\r\n\r\n" % len(SLOW_DOWN))
    writer.write(SLOW_DOWN if with_body else b"")
    await writer.drain()


@contextmanager
def bad_weather(endpoint: str, weather: Weather) -> Iterator[Network]:
    """A proxy before ``endpoint`` (``http://host:port``) for as long as the block lasts."""
    host, _, port = endpoint.removeprefix("http://").rstrip("/").partition(":")
    loop = asyncio.new_event_loop()
    network = Network("")
    proxy = _Proxy((host, int(port)), weather, network)
    server = loop.run_until_complete(asyncio.start_server(proxy.serve, "127.0.0.1", 0))
    network.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield network
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
