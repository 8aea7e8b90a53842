"""MONAI Label's REST protocol over the queue: its client and its Slicer plugin draw items.

An image is one item, and its id is the lease under which the reader holds it: it is looked up in
the queue and never becomes a path. Saving the label ``final`` is the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Form, Query, Request, Response, UploadFile
from starlette.exceptions import HTTPException

from scalemai_core.errors import UsageError
from scalemai_core.records.reader import Reader
from scalemai_core.review.desk import Desk
from scalemai_core.review.handoff.label_info import LabelInfo, label_names
from scalemai_core.review.handoff.tools import ORIGINAL, ItemFile, Tools
from scalemai_core.review.queue.queue import Queue

STRATEGY = "queue"
FINAL = "final"
APPROVED, FLAGGED = "approved", "flagged"
MAX_WORDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Who may come in."""

    identify: Callable[[Request], Reader]
    """Who asks, by token or a trusted proxy's word; raises HTTPException 401."""
    by_token: Callable[[Request, str], Reader]
    """Whose token it is; raises HTTPException 401."""


def monai_label_router(desk_of: Callable[[], Desk | None], queue: Queue, doors: Doors) -> APIRouter:
    """Routes to be mounted under ``/monailabel``."""
    tools = Tools(desk_of, queue)

    def enter(request: Request) -> None:
        request.state.doors, request.state.tools = doors, tools

    router = APIRouter(tags=["monailabel"], dependencies=[Depends(enter)])
    router.include_router(_routes)
    return router


def _tools(request: Request) -> Tools:
    return request.state.tools


def _doors(request: Request) -> Doors:
    return request.state.doors


def _reader(request: Request) -> Reader:
    return _doors(request).identify(request)


WithTools = Annotated[Tools, Depends(_tools)]
WithDoors = Annotated[Doors, Depends(_doors)]
ByReader = Annotated[Reader, Depends(_reader)]
LeaseName = Annotated[str, Query(pattern=r"^[0-9a-f]{32}$")]
Tag = Annotated[str, Query(max_length=50)]
Params = Annotated[str, Form(max_length=100_000)]

_routes = APIRouter()


@_routes.get("/auth/")
def auth(request: Request, doors: WithDoors) -> dict[str, Any]:
    """Whether the client has to log in first."""
    try:
        doors.identify(request)
    except HTTPException:
        return {"enabled": True, "client_id": "scalemai", "realm": None}
    return {"enabled": False, "client_id": "scalemai", "realm": None}


@_routes.post("/auth/token")
def log_in(
    request: Request,
    doors: WithDoors,
    username: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=200)],
) -> dict[str, str]:
    """Logging in as the client does: the token of the review page is the password."""
    if doors.by_token(request, password).name != username:
        raise HTTPException(HTTPStatus.UNAUTHORIZED, "this token belongs to somebody else")
    return {"access_token": password, "token_type": "Bearer"}


@_routes.get("/auth/token/valid")
def valid(reader: ByReader) -> dict[str, Any]:
    """Who asks."""
    return {"username": reader.name, "roles": [reader.role.value]}


@_routes.get("/info/")
def info(reader: ByReader, tools: WithTools) -> dict[str, Any]:
    """What the server offers: one strategy, no models of its own."""
    return {
        "name": "ScaleMAI review",
        "description": "Masks that need a person",
        "version": "1",
        "labels": {},
        "models": {},
        "trainers": {},
        "scoring": {},
        "strategies": {STRATEGY: {"description": "The item that is worth most"}},
        "train_stats": {},
        "datastore": tools.progress(reader),
    }


@_routes.post("/activelearning/{strategy}")
def next_sample(
    request: Request,
    reader: ByReader,
    tools: WithTools,
    strategy: str,
    _: Annotated[dict[str, Any] | None, Body()] = None,
) -> dict[str, Any]:
    """Lease the next item; empty where none waits."""
    if strategy != STRATEGY:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"the only strategy is '{STRATEGY}'")
    return tools.next_item(reader, _address(request))


@_routes.get("/datastore/")
def datastore(
    reader: ByReader,
    tools: WithTools,
    output: Annotated[str, Query(pattern="^(all|train|stats)$")] = "stats",
) -> Any:
    """The reader's own items, or figures; nothing is for training here."""
    if output == "train":
        return []
    return tools.listing(reader) if output == "all" else tools.progress(reader)


@_routes.get("/datastore/image", response_class=Response)
def image(request: Request, tools: WithTools, doors: WithDoors, image: LeaseName) -> Response:
    """The CT around an item."""
    try:
        reader = doors.identify(request)
    except HTTPException:
        lease = tools.fetched(image, _address(request))
        if lease is None:
            raise
        return _file(tools.image(lease))
    return _file(tools.image(tools.held(reader, image)))


@_routes.get("/datastore/label", response_class=Response)
def label(reader: ByReader, tools: WithTools, label: LeaseName, tag: Tag = ORIGINAL) -> Response:
    """The current mask."""
    if tag != ORIGINAL:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"the only label kept is '{ORIGINAL}'")
    return _file(tools.mask(tools.held(reader, label)))


@_routes.put("/datastore/label")
def save(
    reader: ByReader,
    tools: WithTools,
    image: LeaseName,
    label: UploadFile,
    tag: Tag = FINAL,
    params: Params = "{}",
) -> dict[str, Any]:
    """A drawn mask: the answer."""
    if tag not in ("", FINAL):
        raise UsageError(f"only the label '{FINAL}' is taken, which is the answer")
    return tools.draw(reader, image, label.file.read(), label_names(params))


@_routes.put("/datastore/updatelabelinfo")
def judge(
    reader: ByReader,
    tools: WithTools,
    label: LeaseName,
    tag: Tag = ORIGINAL,
    params: Params = "{}",
) -> dict[str, Any]:
    """What MONAI Label's reviewer says of a mask: approved keeps it, flagged passes it on."""
    said = LabelInfo.of(params)
    if said.status == APPROVED and tag == ORIGINAL:
        return tools.keep(reader, label, said.comment[:MAX_WORDS])
    if said.status == FLAGGED and said.comment:
        return tools.skip(reader, label, said.comment[:MAX_WORDS])
    raise UsageError("say 'approved' of the original mask, or 'flagged' with a comment why")


def _no_uploads(_: ByReader) -> None:
    """Sessions and images of the client's own: there is no model here to look at them."""
    sentence = "scans come in by 'scalemai ingest', and items come from the queue"
    raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, sentence)


_routes.add_api_route("/session/", _no_uploads, methods=["PUT"])
_routes.add_api_route("/session/{session_id}", _no_uploads, methods=["GET", "DELETE"])
_routes.add_api_route("/datastore/", _no_uploads, methods=["PUT", "DELETE"])
_routes.add_api_route("/datastore/image", _no_uploads, methods=["PUT", "DELETE"])


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _file(file: ItemFile) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{file.name}"',
        "Cache-Control": "private, no-store",
    }
    return Response(file.data, media_type="application/gzip", headers=headers)
