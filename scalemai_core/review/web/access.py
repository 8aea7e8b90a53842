"""Who asks: a person with a session's cookie, or a tool with that person's token."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address, ip_network

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from scalemai_core.errors import UsageError
from scalemai_core.records.reader import Reader
from scalemai_core.review.queue.queue import Queue
from scalemai_core.review.web.limits import SAFE_METHODS, Brake
from scalemai_core.review.web.sessions import Session, Sessions, csrf_token, secret_hash
from scalemai_core.settings.web import WebSettings

COOKIE = "scalemai_review"
CSRF_HEADER = "X-CSRF-Token"
BEARER = "bearer "
LOGINS = frozenset({"/api/session", "/monailabel/auth/token"})
LONGEST_SECRET = 200
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

log = logging.getLogger("scalemai.review")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody who may ask."""

    reader: Reader
    session_id: str | None = None
    """None for a tool."""

    @property
    def csrf(self) -> str:
        """What the page sends along with every write."""
        return csrf_token(self.session_id) if self.session_id else ""


class Access:
    """Lets people in by token, cookie or a trusted proxy's header, and keeps the rest out."""

    def __init__(self, queue: Queue, settings: WebSettings) -> None:
        self._queue = queue
        self._settings = settings
        self._sessions = Sessions(queue.database, settings.session_hours)
        self._brake = Brake(settings.login_attempts, settings.login_seconds)
        self._proxies = tuple(ip_network(proxy) for proxy in settings.trusted_proxies)

    def visitor(self, request: Request) -> Visitor:
        """Who asks; raises 401 where nobody is known, 403 where a write carries no CSRF token."""
        if not isinstance(getattr(request.state, "visitor", None), Visitor):
            request.state.visitor = self._find(request)
        return request.state.visitor

    def reader(self, request: Request) -> Reader:
        """Who asks, as ``visitor``."""
        return self.visitor(request).reader

    def admit(self, request: Request) -> None:
        """Raise as ``visitor`` does, but for those who are just logging in."""
        if request.url.path not in LOGINS:
            self.visitor(request)

    def _find(self, request: Request) -> Visitor:
        header = request.headers.get("authorization", "")
        if header.lower().startswith(BEARER):
            return Visitor(reader=self.by_token(request, header[len(BEARER) :].strip()))
        visitor = self._by_cookie(request)
        if visitor is None:
            raise HTTPException(HTTPStatus.UNAUTHORIZED, "log in first")
        sent = request.headers.get(CSRF_HEADER, "")
        if request.method not in SAFE_METHODS and not _same(sent, visitor.csrf):
            raise HTTPException(
                HTTPStatus.FORBIDDEN, f"the header {CSRF_HEADER} is missing or wrong; reload"
            )
        return visitor

    def log_in(self, request: Request, response: Response, token: str | None) -> Visitor:
        """Exchange a token, or a trusted proxy's word, for a new session; an old one is closed."""
        name = self.proxied_name(request)
        if name is not None:
            session = Session(reader=name, token_hash=None)
            reader = self._known(name)
        else:
            reader = self.by_token(request, token or "")
            session = Session(reader=reader.name, token_hash=secret_hash(token or ""))
        old = request.cookies.get(COOKIE)
        if old:
            self._sessions.close(old)
        session_id = self._sessions.open(session)
        response.set_cookie(
            COOKIE,
            session_id,
            max_age=int(self._settings.session_hours * 3600),
            path="/",
            secure=_wants_secure(request),
            httponly=True,
            samesite="strict",
        )
        log.info("%s logged in", reader.name)
        return Visitor(reader=reader, session_id=session_id)

    def log_out(self, visitor: Visitor, response: Response) -> None:
        """Close the session; a tool has none."""
        if visitor.session_id is not None:
            self._sessions.close(visitor.session_id)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")

    def proxied_name(self, request: Request) -> str | None:
        """Whom a trusted proxy names; anybody else's header is not read."""
        header = self._settings.identity_header
        if header is None or not self._is_proxy(request):
            return None
        return _name(request.headers.getlist(header))

    def _by_cookie(self, request: Request) -> Visitor | None:
        session_id = request.cookies.get(COOKIE, "")
        session = self._sessions.find(session_id) if 0 < len(session_id) < LONGEST_SECRET else None
        if session is None:
            return None
        if session.token_hash is not None:
            reader = self._queue.reader_of(session.token_hash)
        else:  # the proxy says with every request who is there
            same = self.proxied_name(request) == session.reader
            reader = self._known(session.reader) if same else None
        return reader and Visitor(reader=reader, session_id=session_id)

    def by_token(self, request: Request, token: str) -> Reader:
        """Whose token it is; raises 401, and 429 after too many wrong ones."""
        address = self._address(request)
        wait = self._brake.wait_seconds(address)
        if wait > 0:
            raise HTTPException(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too many wrong tokens; wait a minute",
                headers={"Retry-After": str(int(wait) + 1)},
            )
        reader = None
        if 0 < len(token) < LONGEST_SECRET:
            reader = self._queue.reader_of(secret_hash(token))
        if reader is None:
            self._brake.wrong(address)
            log.warning("a wrong token from %s", address)
            raise HTTPException(HTTPStatus.UNAUTHORIZED, "this token lets nobody in; ask for one")
        return reader

    def _known(self, name: str) -> Reader:
        """With the role that was given to the name; who has none answers questions."""
        found = [reader for reader in self._queue.people() if reader.name == name]
        return found[0] if found else Reader(name=name)

    def _is_proxy(self, request: Request) -> bool:
        try:
            peer = ip_address(request.client.host if request.client else "")
        except ValueError:
            return False
        return any(peer in network for network in self._proxies)

    def _address(self, request: Request) -> str:
        """Whose guesses are counted: behind a trusted proxy, the one that the proxy saw."""
        peer = request.client.host if request.client else "unknown"
        if not self._is_proxy(request):
            return peer
        seen = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        try:
            return str(ip_address(seen))
        except ValueError:
            return peer


def refuse_open_door(queue: Queue, settings: WebSettings) -> None:
    """Raise UsageError where others than this machine could come in without being known."""
    if settings.host in LOOPBACK_NAMES:
        return
    if settings.identity_header is None and not queue.people():
        raise UsageError(
            f"review.web.host is {settings.host}, which others can reach: give people tokens"
            " first ('scalemai review token'), or set identity_header and trusted_proxies"
        )


def _wants_secure(request: Request) -> bool:
    """Always, but where a browser on this machine asks by plain http."""
    return not (request.url.scheme == "http" and request.url.hostname in LOOPBACK_NAMES)


def _same(sent: str, right: str) -> bool:
    return secrets.compare_digest(sent.encode(), right.encode())


def _name(sent: list[str]) -> str | None:
    """A person's name, as a header may hold it; two headers are nobody's."""
    name = sent[0].strip() if len(sent) == 1 else ""
    return name if 0 < len(name) <= LONGEST_SECRET and name.isprintable() else None
