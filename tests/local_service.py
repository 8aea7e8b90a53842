"""A local service that speaks the chat completions protocol, or anything else a test wants."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Request:
    """One request as the service saw it."""

    path: str
    headers: dict[str, str]
    document: dict[str, Any]

    @property
    def text(self) -> str:
        """The words of the question."""
        return str(self.document["messages"][-1]["content"][0]["text"])

    @property
    def pictures(self) -> list[Picture]:
        """The decoded PNG of every data URL."""
        found: list[Picture] = []
        for part in self.document["messages"][-1]["content"][1:]:
            kind, _, data = part["image_url"]["url"].partition(";base64,")
            assert kind == "data:image/png"
            found.append(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))))
        return found


@dataclass(frozen=True)
class Response:
    """Bytes to answer with."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    drip_s: float = 0.0
    """Pause after every byte."""


Script = Callable[[Request], Response]


def says(text: object, model: object = "tiny-vision-1") -> Response:
    """A well-formed completion."""
    document = {"model": model, "choices": [{"message": {"role": "assistant", "content": text}}]}
    return Response(json.dumps(document).encode())


def red(picture: Picture) -> NDArray[np.bool_]:
    """Where a picture is marked."""
    return (picture[..., 0] > 0) & (picture[..., 1] == 0) & (picture[..., 2] == 0)


def honest(true_shadow: Callable[[tuple[int, ...]], NDArray[np.bool_]]) -> Script:
    """Looks at the pictures, and prefers the overlay that is nearer to the truth."""

    def script(request: Request) -> Response:
        if "ANSWER: YES" in request.text:
            return says("I see ribs and pelvis.\nANSWER: YES")
        plain, *overlays = request.pictures
        truth = true_shadow(plain.shape[:2])
        one, two = (int((red(overlay) ^ truth).sum()) for overlay in overlays)
        return says(f"Overlay 1 errs by {one} pixels.\n\n**ANSWER: {1 if one < two else 2}**")

    return script


class Service(ThreadingHTTPServer):
    """A server; every request is kept."""

    daemon_threads = True

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.requests: list[Request] = []
        self.running = True

    @property
    def url(self) -> str:
        """What goes into the settings."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def pause(self, seconds: float) -> None:
        """Sleep, but not beyond the end of the test."""
        end = time.monotonic() + seconds
        while self.running and time.monotonic() < end:
            time.sleep(0.01)


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        document = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        request = Request(self.path, dict(self.headers.items()), document)
        self.server.requests.append(request)
        try:
            self._send(self.server.script(request))
        except OSError:
            self.close_connection = True  # the client had enough

    def _send(self, response: Response) -> None:
        self.server.pause(response.delay_s)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        step = 1 if response.drip_s else max(len(response.body), 1)
        for start in range(0, len(response.body), step):
            if not self.server.running:
                return
            self.wfile.write(response.body[start : start + step])
            self.server.pause(response.drip_s)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Quiet."""


@contextmanager
def serving(script: Script) -> Iterator[Service]:
    """A service for as long as the block lasts."""
    service = Service(script)
    thread = threading.Thread(target=service.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.running = False
        service.shutdown()
        service.server_close()
        thread.join()
