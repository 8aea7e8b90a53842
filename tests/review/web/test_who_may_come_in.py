"""Where the server listens, whom a proxy may name, and several servers on one queue."""

from __future__ import annotations

import pytest
from made_up_room import TOKENS, MadeUp, client_of, logged_in, made_up_app, take
from pydantic import ValidationError
from starlette.testclient import TestClient

from scalemai_core.errors import UsageError
from scalemai_core.review.queue.queue import Queue
from scalemai_core.review.web.access import COOKIE, refuse_open_door
from scalemai_core.review.web.limits import Brake
from scalemai_core.settings.web import WebSettings

PROXY = {"identity_header": "X-Forwarded-User", "trusted_proxies": ("10.1.0.0/16",)}


def behind(made: MadeUp, peer: str, **headers: str) -> TestClient:
    """A request as it comes from ``peer``."""
    app = made_up_app(made, **PROXY)
    client = TestClient(app, "http://localhost:8100", client=(peer, 5000))
    client.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return client


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "review.example.org"])
def test_another_address_is_refused_until_people_have_tokens(made: MadeUp, host: str) -> None:
    queue = Queue("sqlite://")
    with pytest.raises(UsageError, match="give people tokens first"):
        refuse_open_door(queue, WebSettings(host=host))
    refuse_open_door(queue, WebSettings(host=host, **PROXY))
    refuse_open_door(made.queue, WebSettings(host=host))
    for name in TOKENS:
        made.queue.revoke(name)
    with pytest.raises(UsageError, match="give people tokens first"):
        made_up_app(made, host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_alone_is_always_taken(host: str) -> None:
    refuse_open_door(Queue("sqlite://"), WebSettings(host=host))


def test_settings_that_would_trust_everybody_are_refused() -> None:
    wrong = (
        {"allowed_hosts": ("*",)},
        {"allowed_hosts": ("*.",)},
        {"identity_header": "X-User"},
        {"identity_header": "X User", "trusted_proxies": ("10.0.0.1",)},
        {"trusted_proxies": ("proxy.example.org",)},
        {"session_hours": 0},
        {"session_hours": float("inf")},
    )
    for values in wrong:
        with pytest.raises(ValidationError):
            WebSettings.model_validate(values)


def test_a_trusted_proxy_says_who_comes_in(made: MadeUp) -> None:
    client = behind(made, "10.1.2.3", X_Forwarded_User="cleo")
    told = client.post("/api/session", json={}).json()
    assert (told["reader"], told["role"]) == ("cleo", "adjudicator")
    assert client.get("/api/session").json() == told
    unknown = behind(made, "10.1.2.3", X_Forwarded_User="erik").post("/api/session", json={})
    assert (unknown.json()["reader"], unknown.json()["role"]) == ("erik", "reader")


def test_the_identity_header_of_anybody_else_is_not_read(made: MadeUp) -> None:
    for peer in ("10.2.0.1", "127.0.0.1", "testclient", "::1"):
        client = behind(made, peer, X_Forwarded_User="dora", X_Forwarded_For="10.1.2.3")
        assert client.post("/api/session", json={}).status_code == 401
        assert client.get("/api/round").status_code == 401


@pytest.mark.parametrize("name", ["", " ", "x" * 300, "a\x7fb"])
def test_a_proxy_that_names_nobody_lets_nobody_in(made: MadeUp, name: str) -> None:
    client = behind(made, "10.1.2.3", X_Forwarded_User=name)
    assert client.post("/api/session", json={}).status_code == 401


def test_two_names_are_nobodys(made: MadeUp) -> None:
    headers = [("X-Forwarded-User", "ada"), ("X-Forwarded-User", "dora")]
    client = behind(made, "10.1.2.3")
    assert client.post("/api/session", json={}, headers=headers).status_code == 401


def test_a_session_that_a_proxy_opened_is_that_persons_alone(made: MadeUp) -> None:
    client = behind(made, "10.1.2.3", X_Forwarded_User="ada")
    client.post("/api/session", json={})
    cookie = client.cookies[COOKIE]
    for peer, name in (("10.1.2.3", "ben"), ("127.0.0.1", "ada"), ("127.0.0.1", "")):
        thief = behind(made, peer, X_Forwarded_User=name)
        thief.cookies.set(COOKIE, cookie)
        assert thief.get("/api/session").status_code == 401, (peer, name)


def test_behind_a_proxy_guesses_are_counted_by_whom_the_proxy_saw(made: MadeUp) -> None:
    app = made_up_app(made, trusted_proxies=("10.1.0.0/16",), login_attempts=2)
    client = TestClient(app, "http://localhost:8100", client=("10.1.2.3", 5000))

    def guess(seen: str, token: str) -> int:
        headers = {"X-Forwarded-For": seen}
        return client.post("/api/session", json={"token": token}, headers=headers).status_code

    assert [guess("9.9.9.9, 8.8.8.8", "no") for _ in range(3)] == [401, 401, 429]
    assert guess("8.8.8.8, 7.7.7.7", TOKENS["ada"]) == 200


def test_the_brake_lets_go_and_forgets_the_oldest_addresses() -> None:
    now = 0.0
    brake = Brake(2, 60.0, clock=lambda: now)
    brake.wrong("a")
    brake.wrong("a")
    assert brake.wait_seconds("a") == 60.0
    assert brake.wait_seconds("b") == 0.0
    now = 61.0
    assert brake.wait_seconds("a") == 0.0
    for number in range(10_001):
        brake.wrong(str(number))
        brake.wrong(str(number))
    assert brake.wait_seconds("0") == 0.0
    assert brake.wait_seconds("10000") > 0.0


def test_two_servers_on_one_queue_know_the_same_people(made: MadeUp) -> None:
    first, second = made_up_app(made), made_up_app(made)
    here = logged_in(first, "ada")
    there = client_of(second)
    there.headers["X-CSRF-Token"] = here.headers["X-CSRF-Token"]
    there.cookies.set(COOKIE, here.cookies[COOKIE])
    (lease,) = take(there)
    assert take(here)[0]["lease_id"] == lease["lease_id"]
    bundle = f"/api/leases/{lease['lease_id']}/bundle"
    assert here.get(bundle).content == there.get(bundle).content
    assert here.delete("/api/session").status_code == 204
    assert there.get("/api/session").status_code == 401


def test_between_two_rounds_nothing_waits(made: MadeUp) -> None:
    from scalemai_core.review.web.app import create_app  # noqa: PLC0415

    client = logged_in(create_app(lambda: None, made.queue, WebSettings()), "ada")
    assert client.get("/api/round").json() == {"round": None, "kinds": {}, "progress": None}
    assert client.get("/api/items").json() == {"items": []}
    refused = client.post("/api/leases", json={"count": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "closed")
