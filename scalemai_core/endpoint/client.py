"""A client of OpenAI-compatible chat completions: bounded in time, size and attempts."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from http import HTTPStatus
from typing import Any

import httpx

from scalemai_core.endpoint.prompt import Prompt, Reply
from scalemai_core.errors import NoAnswer
from scalemai_core.settings.endpoint import EndpointSettings

logging.getLogger("httpx").setLevel(logging.WARNING)  # a line a request otherwise

MAX_BYTES = 1_000_000
"""Longest reply that is read. Ours."""
MAX_WAIT_S = 30.0
"""Longest pause between attempts, whatever the service asks for. Ours."""
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which another attempt may help."""
_UNSENT = (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError)
"""What an unusable address, certificate or proxy of the environment may raise."""
_NAME_LENGTH = 200


class _Busy(Exception):  # noqa: N818 - the state of the service; never leaves this file
    """The service may answer later."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class Endpoint:
    """One service; raises NoAnswer where it gives none, for whatever reason.

    The key goes to this address alone: redirects are refused. It is in no message, neither are the
    words of exceptions, which may hold headers, nor a failed reply's body.
    """

    def __init__(self, settings: EndpointSettings, key: str = "", pause_s: float = 1.0) -> None:
        self._settings = settings
        self._key = key.strip()
        self._pause_s = pause_s
        self._failures = 0

    def ask(self, prompt: Prompt) -> Reply:
        """One question, as often as ``tries``; blocks for ``timeout_s`` an attempt and pauses.

        After ``give_up_after`` failures in a row nothing is sent any more.
        """
        if self._failures >= self._settings.give_up_after:
            raise NoAnswer(f"given up after {self._failures} failures in a row")
        if not (self._key.isascii() and self._key.isprintable()):
            raise NoAnswer(f"{self._settings.key_variable} holds characters that no key can have")
        try:
            reply = asyncio.run(self._ask(_payload(prompt, self._settings)))
        except NoAnswer:
            self._failures += 1
            raise
        self._failures = 0
        return reply

    async def _ask(self, payload: dict[str, Any]) -> Reply:
        for attempt in range(1, self._settings.tries + 1):
            try:
                async with asyncio.timeout(self._settings.timeout_s):
                    return self._read(await self._post(payload))
            except _Busy as busy:
                if attempt == self._settings.tries:
                    raise NoAnswer(str(busy)) from None
                wait_s = self._pause_s * 2 ** (attempt - 1) if busy.wait_s is None else busy.wait_s
                await asyncio.sleep(min(wait_s, MAX_WAIT_S))
            except (TimeoutError, httpx.TimeoutException):
                raise NoAnswer("no answer in time") from None
            except _UNSENT as error:
                raise NoAnswer(f"the request failed: {type(error).__name__}") from None
        raise NoAnswer("never asked")

    async def _post(self, payload: dict[str, Any]) -> bytes:
        headers = {"Accept-Encoding": "identity"}  # what is small on the wire stays small
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        url = f"{self._settings.url}/chat/completions"
        async with httpx.AsyncClient(
            follow_redirects=False, timeout=self._settings.timeout_s
        ) as client:
            try:
                async with client.stream("POST", url, json=payload, headers=headers) as response:
                    _check(response)
                    return await _bounded(response)
            except httpx.TransportError as error:
                if isinstance(error, httpx.TimeoutException):
                    raise
                raise _Busy(f"cannot be reached: {type(error).__name__}") from None

    def _read(self, body: bytes) -> Reply:
        """The reply in a body; the key is taken out of whatever a strange service echoes."""
        try:
            document = json.loads(body)
            text = document["choices"][0]["message"]["content"]
            model = document.get("model")
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise NoAnswer("the reply is no chat completion") from None
        if not isinstance(text, str):
            raise NoAnswer("the reply holds no text")
        named = model if isinstance(model, str) else self._settings.model
        return Reply(text=self._clean(text), model=self._clean(named)[:_NAME_LENGTH])

    def _clean(self, text: str) -> str:
        plain = text.replace(self._key, "[key]") if self._key else text
        return plain.encode("utf-8", "backslashreplace").decode()


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status == HTTPStatus.OK:
        return
    if response.is_redirect:
        raise NoAnswer("it redirects elsewhere, which is refused")
    if status in BUSY:
        raise _Busy(f"status {status}", _retry_after_s(response))
    raise NoAnswer(f"status {status}")


def _retry_after_s(response: httpx.Response) -> float | None:
    """Whole seconds, where the service says so; dates are not worth reading."""
    said = response.headers.get("Retry-After", "")
    return float(said[:6]) if said.isascii() and said.isdigit() else None


async def _bounded(response: httpx.Response) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise NoAnswer("the reply is compressed, though that was not asked for")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise NoAnswer("the reply is too long")
    return bytes(body)


def _payload(prompt: Prompt, settings: EndpointSettings) -> dict[str, Any]:
    """Temperature 0, top-p 1 (section 2.3), and a seed for services that know one."""
    pictures = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_base64(picture)}"}}
        for picture in prompt.pictures
    ]
    return {
        "model": settings.model,
        "messages": [
            {"role": "system", "content": prompt.system},
            {"role": "user", "content": [{"type": "text", "text": prompt.text}, *pictures]},
        ],
        "temperature": 0,
        "top_p": 1,
        "seed": 0,
        "max_tokens": settings.max_tokens,
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
