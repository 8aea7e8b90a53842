"""The review server, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from scalemai_core.review.queue.queue import Queue
from scalemai_core.review.web import (
    routes_answers,
    routes_files,
    routes_leases,
    routes_page,
    routes_round,
    routes_session,
)
from scalemai_core.review.web.access import Access, refuse_open_door
from scalemai_core.review.web.bundles import Bundles
from scalemai_core.review.web.faults import ALL, problems, tell_errors
from scalemai_core.review.web.guard import Guard
from scalemai_core.review.web.limits import KILOBYTE, MEGABYTE, BodyGate
from scalemai_core.review.web.monai_label import Doors, monai_label_router
from scalemai_core.review.web.room import DeskOf, Room
from scalemai_core.settings.web import WebSettings

ROUTERS = (
    routes_session.router,
    routes_round.router,
    routes_leases.router,
    routes_answers.router,
    routes_files.router,
)

UPLOADS = ("/drawing", "/files", "/datastore/label")
"""Ends of the paths to which a mask is sent."""


def create_app(desk_of: DeskOf, queue: Queue, settings: WebSettings) -> FastAPI:
    """The whole server; ``desk_of`` gives the desk of the round under review, None between two.

    Raises UsageError where the settings would let in people that nobody knows.
    """
    refuse_open_door(queue, settings)
    access = Access(queue, settings)
    bundles = Bundles(
        most_bytes=settings.bundle_cache_mb * MEGABYTE, threads=settings.prefetch_threads
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        bundles.close()

    app = FastAPI(
        title="ScaleMAI review",
        version="1",
        openapi_url=None,  # told to those who are logged in, and drawn by nobody
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.room = Room(
        desk_of=desk_of,
        queue=queue,
        settings=settings,
        access=access,
        bundles=bundles,
    )
    for router in ROUTERS:
        app.include_router(router)
    doors = Doors(
        identify=access.reader, by_token=access.by_token, hands_out=settings.plugin_images
    )
    tools = monai_label_router(desk_of, queue, doors)
    app.include_router(tools, prefix="/monailabel", responses=problems(*ALL))
    app.include_router(routes_page.page_router(routes_page.assets()))
    tell_errors(app)
    app.add_middleware(BodyGate, most_bytes=_most_bytes(settings), admit=access.admit)
    app.add_middleware(Guard, allowed_hosts=settings.allowed_hosts)
    return app


def _most_bytes(settings: WebSettings) -> Callable[[str, str], int]:
    small, large = settings.max_json_kb * KILOBYTE, settings.max_upload_mb * MEGABYTE

    def most_bytes(method: str, path: str) -> int:
        uploads = method == "PUT" and path.endswith(UPLOADS)
        return int(large if uploads else small)

    return most_bytes
