"""A running server: it writes no query to its log, and finishes what was begun."""

from __future__ import annotations

import logging
import socket
import threading
import time
from http.client import HTTPConnection

import pytest
import uvicorn
from fastapi import FastAPI

from scalemai_core.review.web.serving import WithoutQuery, server_of

SECRET = "s3cret"


def test_access_lines_name_the_path_alone() -> None:
    line = logging.LogRecord(
        "uvicorn.access", logging.INFO, "", 0, '%s - "%s %s HTTP/%s" %d',
        ("127.0.0.1:5", "PUT", f"/api/leases/x/drawing?seconds=4&token={SECRET}", "1.1", 200), None,
    )  # fmt: skip
    assert WithoutQuery().filter(line)
    assert line.getMessage() == '127.0.0.1:5 - "PUT /api/leases/x/drawing HTTP/1.1" 200'


@pytest.fixture
def served(app: FastAPI) -> uvicorn.Server:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return server_of(app, "127.0.0.1", port)


def test_a_running_server_logs_no_query_and_stops_on_request(
    served: uvicorn.Server, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("uvicorn.access").propagate = True
    thread = threading.Thread(target=served.run)
    with caplog.at_level(logging.INFO):
        logging.getLogger("uvicorn.access").addHandler(caplog.handler)
        thread.start()
        while not served.started:
            time.sleep(0.01)
        connection = HTTPConnection("127.0.0.1", served.config.port)
        connection.request("GET", f"/api/round?token={SECRET}")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 401
        assert answer.getheader("server") is None
        connection.request("GET", "/api/round", headers={"Host": f"{SECRET}.example"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 421
        served.should_exit = True
        thread.join(20)
        logging.getLogger("uvicorn.access").removeHandler(caplog.handler)
    assert not thread.is_alive()
    lines = [record.getMessage() for record in caplog.records]
    assert any('"GET /api/round HTTP/1.1" 401' in line for line in lines)
    assert not [line for line in lines if SECRET in line]
