"""The page itself: a fixed table of files, and the API's description."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from scalemai_core.review.web.room import LOGGED_IN

STATIC = files("scalemai_core.review.web") / "static"
INDEX = "index.html"
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "woff2": "font/woff2",
    "txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page."""

    content: bytes
    media_type: str
    tag: str


def assets() -> dict[str, Asset]:
    """Every file below ``static`` of a known type, by its path there.

    A request is looked up in it, so that no path of a client ever reaches the disk.
    """
    return dict(_below(STATIC, "")) if STATIC.is_dir() else {}


def page_router(table: dict[str, Asset]) -> APIRouter:
    """The routes that anybody may read: there is nothing in them but the program."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def index(request: Request) -> Response:
        return _sent(request, table, INDEX)

    @router.get("/static/{name:path}")
    def static(request: Request, name: str) -> Response:
        return _sent(request, table, name)

    @router.get("/api/openapi.json", dependencies=LOGGED_IN)
    def description(request: Request) -> Response:
        return JSONResponse(request.app.openapi())

    return router


def _sent(request: Request, table: dict[str, Asset], name: str) -> Response:
    asset = table.get(name)
    if asset is None:
        raise HTTPException(404, "there is no such page")
    headers = {"ETag": asset.tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == asset.tag:
        return Response(status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)


def _below(folder: Traversable, prefix: str) -> list[tuple[str, Asset]]:
    found: list[tuple[str, Asset]] = []
    for one in folder.iterdir():
        if one.is_dir():
            found.extend(_below(one, f"{prefix}{one.name}/"))
        elif media_type := MEDIA_TYPES.get(one.name.rpartition(".")[2]):
            content = one.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            found.append((f"{prefix}{one.name}", Asset(content, media_type, tag)))
    return found
