"""What holds of every request and every answer: known names, own origin, strict headers."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scalemai_core.review.web.limits import SAFE_METHODS

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NOT_KEPT = "private, no-store"


class Guard:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[str]) -> None:
        self._app = app
        self._allowed_hosts = tuple(name.lower() for name in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at once what may not be asked, and put the headers on every answer."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # there are no other doors

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", NOT_KEPT)
            await send(message)

        problem = self._problem(scope["method"], Headers(scope=scope))
        if problem is None:
            await self._app(scope, receive, headed)
        else:
            status, sentence = problem
            body = {"error": sentence, "code": "not_allowed"}
            await JSONResponse(body, status)(scope, receive, headed)

    def _problem(self, method: str, headers: Headers) -> tuple[HTTPStatus, str] | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_allowed(hosts[0]):
            sentence = "this server is not known under that name; see review.web.allowed_hosts"
            return HTTPStatus.MISDIRECTED_REQUEST, sentence
        if method not in SAFE_METHODS and not _is_own(headers, hosts[0]):
            return HTTPStatus.FORBIDDEN, "another site may not ask this"
        return None

    def _is_allowed(self, host: str) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name = parts.hostname or ""
            _ = parts.port
        except ValueError:
            return False
        if parts.netloc != host or parts.username is not None or not name:
            return False
        shown = f"[{name}]" if ":" in name else name
        return any(
            shown == allowed or (allowed.startswith("*.") and shown.endswith(allowed[1:]))
            for allowed in self._allowed_hosts
        )


def _is_own(headers: Headers, host: str) -> bool:
    """Whether the page that asks is ours; a tool, which is no page, names no origin."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origins = headers.getlist("origin")
    if not origins:
        return True
    return len(origins) == 1 and origins[0].lower() in {
        f"{scheme}://{host.lower()}" for scheme in ("http", "https")
    }
