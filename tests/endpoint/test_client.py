"""Whatever a service does, the client is done in time, and the key stays where it belongs."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from local_service import Request, Response, Script, says, serving

from scalemai_core.endpoint import client as module
from scalemai_core.endpoint.client import Endpoint
from scalemai_core.endpoint.prompt import Prompt, Reply
from scalemai_core.errors import NoAnswer
from scalemai_core.settings.endpoint import EndpointSettings

KEY = "sk-do-not-tell-anyone"
QUESTION = Prompt(system="You look.", text="Which?", pictures=(b"one", b"two"))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def client(url: str, key: str = KEY, **settings: Any) -> Endpoint:
    named = {"model": "m", "timeout_s": 5.0, "give_up_after": 100} | settings
    return Endpoint(EndpointSettings(url=url, **named), key, pause_s=0.0)


def ask(script: Script, key: str = KEY, **settings: Any) -> Reply:
    with serving(script) as service:
        return client(service.url, key, **settings).ask(QUESTION)


def test_a_question_travels_as_chat_completion_with_data_urls() -> None:
    with serving(lambda _: says("ANSWER: 1")) as service:
        reply = client(service.url + "/", model="qwen", max_tokens=99).ask(QUESTION)
    assert reply == Reply(text="ANSWER: 1", model="tiny-vision-1")
    (request,) = service.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    sent = request.document
    wanted = {"model": "qwen", "temperature": 0, "top_p": 1, "max_tokens": 99}
    assert sent.items() >= wanted.items()
    system, user = sent["messages"]
    assert system == {"role": "system", "content": "You look."}
    assert user["content"][0] == {"type": "text", "text": "Which?"}
    assert [part["image_url"]["url"] for part in user["content"][1:]] == [
        "data:image/png;base64,b25l",
        "data:image/png;base64,dHdv",
    ]


def test_without_a_key_none_is_sent() -> None:
    with serving(lambda _: says("ANSWER: 1")) as service:
        client(service.url, key="").ask(QUESTION)
    assert "Authorization" not in service.requests[0].headers


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"<html><body>502 Bad Gateway</body></html>",
        b'{"choices": [',
        b'{"choices": []}',
        b'{"choices": {}}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": {"content": null}}]}',
        b'{"choices": [{"message": {"content": [{"type": "text", "text": "ANSWER: 1"}]}}]}',
        b'{"error": {"message": "sk-do-not-tell-anyone is out of money"}}',
        b"[]",
        b"null",
        b"\xff\xfe\x00bad",
        b'{"choices": [{"message": {"content": "\xe4\xf6"}}]}',
        b"[" * 200_000,
        b'{"n": ' + b"9" * 100_000 + b"}",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_no_completion_is_no_answer(body: bytes) -> None:
    with pytest.raises(NoAnswer, match="reply") as error:
        ask(lambda _: Response(body))
    assert KEY not in str(error.value)


@pytest.mark.parametrize("text", ["caf\u00e9 \u2603\nANSWER: 1", "\ud800 ANSWER", "\x00\x1b[2J"])
def test_odd_text_arrives_as_text_that_can_be_stored(text: str) -> None:
    assert ask(lambda _: says(text)).text.encode().decode()


@pytest.mark.parametrize(("status", "attempts"), [(500, 3), (503, 3), (429, 3), (400, 1), (401, 1)])
def test_a_refusal_is_repeated_where_that_may_help(status: int, attempts: int) -> None:
    with (
        serving(lambda _: Response(KEY.encode(), status)) as service,
        pytest.raises(NoAnswer, match=f"status {status}") as error,
    ):
        client(service.url).ask(QUESTION)
    assert len(service.requests) == attempts
    assert KEY not in str(error.value)


@pytest.mark.parametrize("after", [{}, {"Retry-After": "0"}, {"Retry-After": "-1 or soon"}])
def test_a_busy_service_is_asked_again(after: dict[str, str]) -> None:
    turn = count()

    def script(_: Request) -> Response:
        return Response(b"slow down", 429, after) if next(turn) == 0 else says("ANSWER: 2")

    assert ask(script).text == "ANSWER: 2"


def test_no_service_makes_the_client_wait_long(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    with pytest.raises(NoAnswer):
        ask(lambda _: Response(b"", 429, {"Retry-After": "9" * 5000}))
    assert slept == [module.MAX_WAIT_S] * 2


@pytest.mark.parametrize("slow", [{"delay_s": 30.0}, {"drip_s": 0.05}])
def test_a_slow_answer_is_no_answer_even_if_it_never_stops_coming(slow: dict[str, float]) -> None:
    answer = Response(says("ANSWER: 1" * 100).body, **slow)
    with serving(lambda _: answer) as service, pytest.raises(NoAnswer, match="in time"):
        client(service.url, timeout_s=0.3).ask(QUESTION)
    assert len(service.requests) == 1, "a service that hangs is not asked again at once"


def test_a_huge_answer_is_not_read_to_its_end() -> None:
    with pytest.raises(NoAnswer, match="too long"):
        ask(lambda _: Response(b" " * (20 * module.MAX_BYTES)))


def test_a_compressed_answer_is_not_unpacked() -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    with pytest.raises(NoAnswer, match="compressed"):
        ask(lambda _: Response(bomb, headers={"Content-Encoding": "gzip"}))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_key_follows_no_redirect(status: int) -> None:
    with serving(lambda _: says("ANSWER: 1")) as thief:
        to_thief = Response(b"", status, {"Location": f"{thief.url}/chat/completions"})
        with pytest.raises(NoAnswer, match="redirects"):
            ask(lambda _: to_thief)
    assert not thief.requests


def test_nobody_at_home_is_no_answer() -> None:
    with serving(lambda _: says("")) as service:
        url = service.url
    with pytest.raises(NoAnswer, match="cannot be reached"):
        client(url).ask(QUESTION)


def test_a_dead_service_is_left_alone_and_a_good_answer_restores_trust() -> None:
    answers = [500, 200, 500, 500]

    def script(_: Request) -> Response:
        return says("ANSWER: 1") if answers.pop(0) == 200 else Response(b"", 500)

    with serving(script) as service:
        asked = client(service.url, tries=1, give_up_after=2)
        outcomes: list[str] = []
        for _ in range(6):
            try:
                outcomes.append(asked.ask(QUESTION).text)
            except NoAnswer as error:
                outcomes.append(str(error))
    assert (
        outcomes
        == ["status 500", "ANSWER: 1", *["status 500"] * 2]
        + ["given up after 2 failures in a row"] * 2
    )
    assert len(service.requests) == 4


@pytest.mark.parametrize("key", ["sk-\u00fcber", "two\nlines"])
def test_a_broken_key_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(NoAnswer, match="SCALEMAI_KEY") as error:
        client("http://127.0.0.1:9/v1", key).ask(QUESTION)
    assert key not in str(error.value)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense://x", "http://127.0.0.1:9"])
def test_an_environment_without_a_way_out_is_no_answer(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(NoAnswer):
        client("http://vision.invalid/v1", tries=1).ask(QUESTION)


def echo(request: Request) -> Response:
    said = request.headers["Authorization"]
    return says(f"you sent {said}\nANSWER: 1", model=said)


def fail_with_the_key(request: Request) -> Response:
    return Response(json.dumps(request.headers).encode(), 500, {"X-Key": KEY})


@pytest.mark.parametrize("script", [echo, fail_with_the_key])
def test_the_key_is_neither_logged_nor_returned(
    script: Callable[[Request], Response], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    try:
        said = repr(ask(script, tries=1))
    except NoAnswer as error:
        said = repr(error) + repr(error.__cause__)
    assert KEY not in said
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("scalemai")]
    assert KEY not in "".join(ours)
