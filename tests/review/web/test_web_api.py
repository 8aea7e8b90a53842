"""The API is what its description says, whatever is sent to it; schemathesis makes up the calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from made_up_room import TOKENS, MadeUp, logged_in, made_up_app, made_up_review, take
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from starlette.testclient import TestClient

UNDER_A_LEASE = [negative_data_rejection, positive_data_acceptance]
"""The lease is put in afterwards, and what an item allows no description says."""
UNKNOWN_MAY_ASK = {
    ("POST", "/api/session"),
    ("POST", "/monailabel/auth/token"),
    ("GET", "/monailabel/datastore/image"),
}
"""Where what is sent says who asks: a token, or the lease that a tool was just told of."""
OPEN = {"/monailabel/auth/": {"enabled": True, "client_id": "scalemai", "realm": None}}
"""What MONAI Label's client asks before it logs in."""
FEW = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@dataclass(frozen=True, slots=True)
class Tried:
    """A server for a whole module; its state goes on from call to call."""

    made: MadeUp
    schema: BaseSchema
    client: TestClient

    def session(self) -> dict[str, str]:
        """As a browser asks; logged in again where a call logged out."""
        if self.client.get("/api/session").status_code != 200:
            answer = self.client.post("/api/session", json={"token": TOKENS["cleo"]})
            self.client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        cookie = "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())
        return {"Cookie": cookie, "X-CSRF-Token": self.client.headers["X-CSRF-Token"]}

    def lease_id(self) -> str:
        """Of an item that is held."""
        return take(self.client)[0]["lease_id"]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    made = made_up_review(tmp_path_factory.mktemp("api"), copies=100)
    app = made_up_app(made, login_attempts=100_000, allowed_hosts=("localhost", "testserver"))
    headers = {"Authorization": f"Bearer {TOKENS['cleo']}"}
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=headers)
    return Tried(made, schema, logged_in(app, "cleo"))


def try_all(schema: BaseSchema, check: Callable[[Case], None]) -> int:
    """Calls that the description allows, and calls that it does not; how many there were."""
    calls = 0

    def tried_with(case: Case) -> None:
        nonlocal calls
        calls += 1
        check(case)

    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        for mode in GenerationMode:
            try:
                FEW(given(case=result.ok().as_strategy(generation_mode=mode))(tried_with))()
            except Unsatisfiable:  # nothing wrong can be sent where nothing is asked for
                assert mode is GenerationMode.NEGATIVE
    return calls


def test_anything_sent_with_a_session_is_answered_as_described(tried: Tried) -> None:
    def check(case: Case) -> None:
        by_state = case.path == "/api/undo" or case.path.startswith("/monailabel")
        excluded = [positive_data_acceptance] if by_state else []
        answer = case.call(headers=tried.session())
        if answer.status_code == 413:  # refused for its size, before anything else was looked at
            excluded.append(negative_data_rejection)
        case.validate_response(answer, excluded_checks=excluded)

    assert try_all(tried.schema, check) > 150


def test_anything_sent_under_a_held_lease_is_answered_as_described(tried: Tried) -> None:
    def check(case: Case) -> None:
        headers = tried.session()
        case.path_parameters["lease_id"] = tried.lease_id()
        case.call_and_validate(headers=headers, excluded_checks=UNDER_A_LEASE)

    assert try_all(tried.schema.include(path_regex="lease_id"), check) > 80


def test_anything_sent_without_a_session_is_turned_away(tried: Tried) -> None:
    before = tried.made.queue.counts(1), tried.made.store.review_log(1).read()

    def check(case: Case) -> None:
        answer = case.call()
        if answer.status_code == 200:
            assert answer.json() == OPEN[case.path]
            return
        refused = {401, 405}
        if (case.method, case.path) in UNKNOWN_MAY_ASK:
            refused |= {413, 415, 422}
        assert answer.status_code in refused, answer.text
        assert_nothing_told(answer.json(), tried)

    assert try_all(tried.schema, check) > 150
    assert (tried.made.queue.counts(1), tried.made.store.review_log(1).read()) == before


def assert_nothing_told(answer: dict[str, Any], tried: Tried) -> None:
    assert set(answer) == {"error", "code"}
    assert tried.made.scan_id not in answer["error"]
