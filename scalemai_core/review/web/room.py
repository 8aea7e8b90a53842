"""What the routes share: who asks, the open round's desk, and the lease that a request names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from scalemai_core.records.lease import Lease
from scalemai_core.review.desk import Desk
from scalemai_core.review.queue.queue import Queue
from scalemai_core.review.web.access import COOKIE, Access, Visitor
from scalemai_core.review.web.bundles import Bundles
from scalemai_core.review.web.shapes import LEASE_ID
from scalemai_core.settings.web import WebSettings
from scalemai_core.store.documents.review_log import ReviewClosedError

DeskOf = Callable[[], Desk | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One server's parts."""

    desk_of: DeskOf
    queue: Queue
    settings: WebSettings
    access: Access
    bundles: Bundles


def _room(request: Request) -> Room:
    return request.app.state.room


InRoom = Annotated[Room, Depends(_room)]

_cookie = Security(APIKeyCookie(name=COOKIE, auto_error=False))
_bearer = Security(HTTPBearer(auto_error=False))


def _visitor(request: Request, room: InRoom) -> Visitor:
    return room.access.visitor(request)


ByVisitor = Annotated[Visitor, Depends(_visitor)]
LOGGED_IN = [_cookie, _bearer, Depends(_visitor)]
"""Of every router but the doors: its routes answer nobody who is not known."""


def _desk(room: InRoom, _: ByVisitor) -> Desk:
    desk = room.desk_of()
    if desk is None:
        raise ReviewClosedError("no review is open; nothing waits")
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]
LeaseId = Annotated[str, Path(pattern=LEASE_ID, description="As given with the lease")]


def _lease(room: InRoom, visitor: ByVisitor, _: AtDesk, lease_id: LeaseId) -> Lease:
    return room.queue.held(visitor.reader.name, lease_id)


UnderLease = Annotated[Lease, Depends(_lease)]
"""The named lease, held by the one who asks and not expired."""
