"""An S3 server in this process, whose conditional writes are as atomic as a real store's."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server


class OnePutAtATime:
    """Moto asks whether a key is there and puts it then: of two that put a key only if it is not
    there, both may get through where a real store lets one. Nobody comes between the two here."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._putting = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "PUT":
            return self._application(environ, start)
        with self._putting:
            return self._application(environ, start)


@contextmanager
def s3_server() -> Iterator[str]:
    """Its URL, on a port of its own."""
    application = OnePutAtATime(DomainDispatcherApplication(create_backend_app))
    server = make_server(
        "127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler
    )
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
