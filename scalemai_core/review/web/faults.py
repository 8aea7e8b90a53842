"""Errors as answers: one sentence for a person, one word for a program, and a 4xx."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from scalemai_core.errors import ChangedMaskError, LeaseLostError, TooLargeError, UsageError
from scalemai_core.review.web.shapes import Problem
from scalemai_core.store.documents.review_log import ReviewClosedError

MEANINGS: tuple[tuple[type[UsageError], HTTPStatus, str], ...] = (
    (LeaseLostError, HTTPStatus.CONFLICT, "lease_lost"),
    (ChangedMaskError, HTTPStatus.CONFLICT, "changed_mask"),
    (ReviewClosedError, HTTPStatus.CONFLICT, "closed"),
    (TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large"),
    (UsageError, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_request"),
)
CODES = {
    HTTPStatus.UNAUTHORIZED: "not_logged_in",
    HTTPStatus.FORBIDDEN: "not_allowed",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.TOO_MANY_REQUESTS: "too_many",
}
UNKNOWN_KEY = "extra_forbidden"
MOST_CHARACTERS = 300

_TOLD: dict[int, str] = {
    401: "Nobody is logged in",
    403: "Not allowed, or a write without its CSRF token or from another site",
    404: "No such thing",
    406: "Not taken here",
    409: "The lease is lost, the mask has changed, or the review is closed",
    413: "Too large",
    422: "Cannot be understood, or cannot be done",
    429: "Too many wrong tokens",
}
ON_READ = (401, 422, 429)
ON_WRITE = (401, 403, 409, 413, 422, 429)
ALL = tuple(_TOLD)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The answers of a route that are not its own, for the API's description."""
    return {status: {"model": Problem, "description": _TOLD[status]} for status in statuses}


def tell_errors(app: FastAPI) -> None:
    """Hang the translations in."""
    app.add_exception_handler(UsageError, _misused)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _misunderstood)
    app.add_exception_handler(Exception, _failed)


def _misused(_: Request, error: Exception) -> JSONResponse:
    for kind, status, code in MEANINGS:
        if isinstance(error, kind):
            return _answer(status, str(error), code)
    raise error


def _refused(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.BAD_REQUEST:  # a body that cannot even be read is as any other
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = CODES.get(status, "bad_request")
    return _answer(status, error.detail or status.phrase, code, error.headers)


def _misunderstood(_: Request, error: Exception) -> JSONResponse:
    """Names the field, never what was sent: it may be a token in the wrong place."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    named = () if first["type"] == UNKNOWN_KEY else first["loc"][1:]  # its name is theirs
    place = ".".join(str(part) for part in named)
    sentence = f"{place}: {first['msg']}" if place else first["msg"]
    return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, sentence, "bad_request")


def _failed(_: Request, error: Exception) -> JSONResponse:
    """A fault of ours, which the server's log holds; it is never the answer to bad input."""
    sentence = f"the server failed ({type(error).__name__}); what was acknowledged before is safe"
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, sentence, "failed")


def _answer(status: HTTPStatus, sentence: str, code: str, headers: Any = None) -> JSONResponse:
    problem = Problem(error=sentence[:MOST_CHARACTERS], code=code)
    return JSONResponse(problem.model_dump(), status, headers)
