"""Coming in and going out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from scalemai_core.review.web.access import Visitor
from scalemai_core.review.web.faults import problems
from scalemai_core.review.web.room import LOGGED_IN, ByVisitor, InRoom
from scalemai_core.review.web.shapes import LoggedIn, LogIn

router = APIRouter(prefix="/api/session", tags=["session"])


@router.post("", responses=problems(401, 403, 413, 422, 429))
def log_in(request: Request, response: Response, room: InRoom, asked: LogIn) -> LoggedIn:
    """Exchange a person's token, once, for a cookie that no script can read."""
    return _told(room.access.log_in(request, response, asked.token))


@router.get("", dependencies=LOGGED_IN, responses=problems(401, 429))
def who(visitor: ByVisitor) -> LoggedIn:
    """Who is logged in."""
    return _told(visitor)


@router.delete("", dependencies=LOGGED_IN, responses=problems(401, 403, 429), status_code=204)
def log_out(response: Response, room: InRoom, visitor: ByVisitor) -> None:
    """End the session, here and in the database."""
    room.access.log_out(visitor, response)


def _told(visitor: Visitor) -> LoggedIn:
    return LoggedIn(reader=visitor.reader.name, role=visitor.reader.role, csrf=visitor.csrf)
