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


class Service:
    """A running server; every request is kept."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.running = True
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                document = json.loads(self.rfile.read(size))
                request = Request(self.path, dict(self.headers.items()), document)
                service.requests.append(request)
                try:
                    self._send(service.script(request))
                except OSError:
                    self.close_connection = True  # the client had enough

            def _send(self, response: Response) -> None:
                service.pause(response.delay_s)
                self.send_response(response.status)
                for name, value in response.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(response.body)))
                self.end_headers()
                if not response.drip_s:
                    self.wfile.write(response.body)
                    return
                for byte in response.body:
                    if not service.running:
                        return
                    self.wfile.write(bytes([byte]))
                    service.pause(response.drip_s)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        """What goes into the settings."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def pause(self, seconds: float) -> None:
        """Sleep, but not beyond the end of the test."""
        end = time.monotonic() + seconds
        while self.running and time.monotonic() < end:
            time.sleep(0.01)


@contextmanager
def serving(script: Script) -> Iterator[Service]:
    """A service for as long as the block lasts."""
    service = Service(script)
    thread = threading.Thread(target=service.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.running = False
        service.server.shutdown()
        service.server.server_close()
        thread.join()
