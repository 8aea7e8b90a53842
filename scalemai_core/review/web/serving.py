"""Running the server."""

from __future__ import annotations

import logging

import uvicorn
from fastapi import FastAPI

GRACE_SECONDS = 10
IDLE_SECONDS = 30
PATH_OF_LINE = 2


class WithoutQuery(logging.Filter):
    """Access lines name the path alone."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Cut the query off; the line is kept."""
        if isinstance(record.args, tuple) and len(record.args) > PATH_OF_LINE:
            args = list(record.args)
            args[PATH_OF_LINE] = str(args[PATH_OF_LINE]).partition("?")[0]
            record.args = tuple(args)
        return True


def serve(app: FastAPI, host: str, port: int) -> None:
    """Answer until a signal comes; then finish what was begun.

    One process; for more, start several on one PostgreSQL queue, behind a proxy.
    """
    server_of(app, host, port).run()


def server_of(app: FastAPI, host: str, port: int) -> uvicorn.Server:
    """The server, not yet running."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        proxy_headers=False,  # what a client says of its own address is not believed
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    logging.getLogger("uvicorn.access").addFilter(WithoutQuery())
    return uvicorn.Server(config)
