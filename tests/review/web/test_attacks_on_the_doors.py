"""Coming in where one may not, and writing in somebody else's name: one test an attack."""

from __future__ import annotations

import logging

import pytest
from fastapi import FastAPI
from made_up_room import (
    ORIGIN,
    TOKENS,
    MadeUp,
    client_of,
    keeping,
    logged_in,
    made_up_app,
    take,
)
from starlette.testclient import TestClient

from scalemai_core.review.web.access import COOKIE
from scalemai_core.review.web.sessions import Session, Sessions, sessions

READS = (
    "/api/session", "/api/round", "/api/items", "/api/stats", "/api/openapi.json",
    f"/api/leases/{'0' * 32}/bundle", f"/api/leases/{'0' * 32}/files",
    f"/api/leases/{'0' * 32}/crop.nii.gz", f"/api/leases/{'0' * 32}/mask.nii.gz",
)  # fmt: skip
WRITES = (
    ("DELETE", "/api/session"), ("POST", "/api/leases"), ("POST", "/api/undo"),
    ("DELETE", f"/api/leases/{'0' * 32}"), ("POST", f"/api/leases/{'0' * 32}/renew"),
    ("POST", f"/api/leases/{'0' * 32}/answer"), ("POST", f"/api/leases/{'0' * 32}/skip"),
    ("PUT", f"/api/leases/{'0' * 32}/drawing"),
)  # fmt: skip
CLIMBING = (
    "..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2fworkspace.json", "....//....//etc/passwd",
    "%00", "..%5c..%5cwindows%5cwin.ini", "%252e%252e%252fetc%252fpasswd", "/etc/passwd",
    "js/../../app.py", "%2fetc%2fpasswd", "C:%5cboot.ini",
)  # fmt: skip


@pytest.mark.parametrize("path", READS)
def test_nothing_is_read_without_logging_in(stranger: TestClient, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 401
    assert answer.json() == {"error": "log in first", "code": "not_logged_in"}


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("body", [b"{}", b"{not json", b""])
def test_nothing_is_written_without_logging_in(
    stranger: TestClient, method: str, path: str, body: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = stranger.request(method, path, content=body, headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("climbing", CLIMBING)
def test_path_traversal_in_every_path_parameter_finds_nothing(
    ada: TestClient, climbing: str
) -> None:
    for path in ("/static/{}", "/api/leases/{}/bundle", "/api/leases/{}/files", "/{}"):
        answer = ada.get(path.format(climbing))
        assert answer.status_code in {404, 422}, path
        assert "root:" not in answer.text
        assert "patient_key" not in answer.text
    for path in ("/api/leases/{}/answer", "/api/leases/{}/skip"):
        answer = ada.post(path.format(climbing), json={"reason": "x", "seconds": 1})
        assert answer.status_code in {404, 405, 422}, path


def test_a_write_without_a_csrf_token_is_refused(made: MadeUp, ada: TestClient) -> None:
    del ada.headers["X-CSRF-Token"]
    answer = ada.post("/api/leases", json={"count": 1})
    assert answer.status_code == 403
    assert made.queue.counts(1)["open"] == len(made.items)


def test_a_write_with_somebody_elses_csrf_token_is_refused(
    ada: TestClient, ben: TestClient
) -> None:
    ada.headers["X-CSRF-Token"] = ben.headers["X-CSRF-Token"]
    assert ada.post("/api/leases", json={"count": 1}).status_code == 403


@pytest.mark.parametrize("token", ["", "\xff" * 64, "0" * 64, "x" * 5000])
def test_a_made_up_csrf_token_is_refused(ada: TestClient, token: str) -> None:
    sent = {"X-CSRF-Token": token.encode("latin-1")}
    assert ada.post("/api/undo", headers=sent).status_code == 403


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost:8101", "http://localhost:8100.evil.example",
     "http://127.0.0.1:8100", "file://", "http://localhost"],
)  # fmt: skip
def test_a_write_from_another_site_is_refused(ada: TestClient, origin: str) -> None:
    answer = ada.post("/api/leases", json={"count": 1}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert answer.json()["error"] == "another site may not ask this"


def test_a_login_from_another_site_is_refused(stranger: TestClient) -> None:
    sent = {"token": TOKENS["ada"]}
    answer = stranger.post("/api/session", json=sent, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_form_of_another_site_cannot_pose_as_json(ada: TestClient) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        headers = {"Content-Type": kind, "Sec-Fetch-Site": "cross-site"}
        assert ada.post("/api/leases", content=b'{"count":1}', headers=headers).status_code == 403
        del headers["Sec-Fetch-Site"]
        assert ada.post("/api/leases", content=b'{"count":1}', headers=headers).status_code == 422


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evil.example:8100", "", "localhost@evil.example",
     "127.0.0.1.nip.io", "[::2]", "localhost:notaport", "localhost/..", "LOCALHOST.:8100"],
)  # fmt: skip
def test_a_foreign_host_is_refused(ada: TestClient, host: str) -> None:
    for path in ("/", "/api/round", "/static/js/main.js"):
        answer = ada.get(path, headers={"Host": host})
        assert answer.status_code == 421, host


def test_every_answer_carries_the_strict_headers(ada: TestClient, stranger: TestClient) -> None:
    answers = [ada.get("/api/round"), ada.get("/nowhere"), stranger.get("/api/round"),
               ada.get("/", headers={"Host": "evil.example"}),
               ada.post("/api/leases", json={})]  # fmt: skip
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "private, no-store"
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(app: FastAPI) -> None:
    sent = {"token": TOKENS["ada"]}
    plain = client_of(app).post("/api/session", json=sent).headers["set-cookie"]
    assert all(word in plain for word in ("HttpOnly", "SameSite=strict", "Path=/"))
    assert "Secure" not in plain
    assert "Domain" not in plain
    secure = client_of(app, "https://localhost:8100").post("/api/session", json=sent)
    assert "Secure" in secure.headers["set-cookie"]


def test_the_cookie_is_secure_off_this_machine_even_behind_a_plain_proxy(made: MadeUp) -> None:
    app = made_up_app(made, allowed_hosts=("review.example.org",))
    client = client_of(app, "http://review.example.org")
    answer = client.post("/api/session", json={"token": TOKENS["ada"]})
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("path", ["/", "/static/index.html", "/api/round", "/api/items"])
def test_the_session_is_told_nowhere_but_in_the_cookie(ada: TestClient, path: str) -> None:
    answer = ada.get(path)
    assert ada.cookies[COOKIE] not in answer.text + str(answer.headers)
    assert "set-cookie" not in answer.headers


def test_a_token_in_the_url_is_not_looked_at(stranger: TestClient) -> None:
    assert stranger.get("/api/round", params={"token": TOKENS["ada"]}).status_code == 401
    assert stranger.get("/api/round", params={COOKIE: TOKENS["ada"]}).status_code == 401


def test_a_session_id_that_was_planted_before_login_is_worth_nothing(app: FastAPI) -> None:
    planted = "p" * 43
    victim = client_of(app)
    victim.cookies.set(COOKIE, planted)
    answer = victim.post("/api/session", json={"token": TOKENS["ada"]})
    assert answer.cookies[COOKIE] != planted
    attacker = client_of(app)
    attacker.cookies.set(COOKIE, planted)
    assert attacker.get("/api/round").status_code == 401


def test_logging_in_again_ends_the_session_before(app: FastAPI, ada: TestClient) -> None:
    old = ada.cookies[COOKIE]
    assert ada.post("/api/session", json={"token": TOKENS["ada"]}).status_code == 200
    thief = client_of(app)
    thief.cookies.set(COOKIE, old)
    assert thief.get("/api/round").status_code == 401


def test_after_logout_the_cookie_is_worth_nothing(app: FastAPI, ada: TestClient) -> None:
    old = ada.cookies[COOKIE]
    assert ada.delete("/api/session").status_code == 204
    thief = client_of(app)
    thief.cookies.set(COOKIE, old)
    assert thief.get("/api/session").status_code == 401


def test_an_expired_session_is_worth_nothing(app: FastAPI, made: MadeUp, ada: TestClient) -> None:
    with made.queue.database.writing() as connection:
        connection.execute(sessions.update().values(expires=1.0))
    assert ada.get("/api/round").status_code == 401


def test_a_revoked_token_ends_its_sessions_at_once(made: MadeUp, ada: TestClient) -> None:
    made.queue.revoke("ada")
    assert ada.get("/api/round").status_code == 401
    assert ada.post("/api/session", json={"token": TOKENS["ada"]}).status_code == 401


def test_the_database_holds_neither_tokens_nor_session_ids(made: MadeUp, ada: TestClient) -> None:
    with made.queue.database.reading() as connection:
        stored = str(connection.execute(sessions.select()).all())
    assert ada.cookies[COOKIE] not in stored
    assert TOKENS["ada"] not in stored
    store = Sessions(made.queue.database, 1)
    ids = {store.open(Session(reader="x", token_hash=None)) for _ in range(50)}
    assert len(ids) == 50
    assert {len(one) for one in ids} == {43}


def test_a_stored_hash_does_not_let_anybody_in(made: MadeUp, stranger: TestClient) -> None:
    with made.queue.database.reading() as connection:
        logged_in(made_up_app(made), "ada")
        row = connection.execute(sessions.select()).first()
    assert row is not None
    stranger.cookies.set(COOKIE, row.session_hash)
    assert stranger.get("/api/round").status_code == 401
    stranger.cookies.clear()
    headers = {"Authorization": f"Bearer {row.token_hash}"}
    assert stranger.get("/api/round", headers=headers).status_code == 401


def test_guessing_tokens_is_slowed_down(made: MadeUp) -> None:
    client = client_of(made_up_app(made, login_attempts=3))
    guesses = [client.post("/api/session", json={"token": f"guess{n}"}) for n in range(5)]
    assert [guess.status_code for guess in guesses] == [401, 401, 401, 429, 429]
    assert int(guesses[-1].headers["retry-after"]) >= 1
    bearer = client.get("/api/round", headers={"Authorization": "Bearer guess"})
    assert bearer.status_code == 429


def test_a_false_address_does_not_get_around_the_brake(made: MadeUp) -> None:
    client = client_of(made_up_app(made, login_attempts=3))
    answers: list[int] = []
    for number in range(6):
        headers = {"X-Forwarded-For": f"10.0.0.{number}", "X-Real-IP": f"10.0.0.{number}"}
        answer = client.post("/api/session", json={"token": "guess"}, headers=headers)
        answers.append(answer.status_code)
    assert answers == [401, 401, 401, 429, 429, 429]


@pytest.mark.parametrize(
    "sent", ["", "Bearer", "Bearer ", "Basic YWRhOmFkYQ==", "bearer \x00", "Bearer " + "x" * 9000]
)
def test_a_malformed_authorization_lets_nobody_in(stranger: TestClient, sent: str) -> None:
    answer = stranger.get("/api/round", headers={"Authorization": sent})
    assert answer.status_code == 401


def test_a_tool_needs_its_token_and_no_csrf_token(stranger: TestClient) -> None:
    headers = {"Authorization": f"Bearer {TOKENS['ada']}"}
    answer = stranger.post("/api/leases", json={"count": 1}, headers=headers)
    assert answer.status_code == 200
    assert stranger.post("/api/leases", json={"count": 1}).status_code == 401


def test_a_role_sent_along_is_refused(ada: TestClient, stranger: TestClient) -> None:
    sent = {"token": TOKENS["ada"], "role": "admin"}
    assert stranger.post("/api/session", json=sent).status_code == 422
    assert ada.post("/api/leases", json={"count": 1, "reader": "dora"}).status_code == 422
    for header in ("X-Role", "X-Reader", "X-Remote-User", "Remote-User"):
        answer = ada.get("/api/session", headers={header: "dora"})
        assert (answer.json()["reader"], answer.json()["role"]) == ("ada", "reader")


def test_a_reader_sees_only_the_own_figures(app: FastAPI, ada: TestClient, ben: TestClient) -> None:
    (lease,) = take(ben)
    answer = ben.post(f"/api/leases/{lease['lease_id']}/answer", json=keeping(lease))
    assert answer.status_code == 200
    assert {row["reader"] for row in ada.get("/api/stats").json()["readers"]} <= {"ada"}
    seen = logged_in(app, "dora").get("/api/stats").json()["readers"]
    assert "ben" in {row["reader"] for row in seen}


def test_headers_cannot_be_injected(ada: TestClient) -> None:
    for path in ("/static/x%0d%0aSet-Cookie:%20a=b", "/api/leases/%0d%0aX-Evil:%201/bundle"):
        answer = ada.get(path)
        assert answer.status_code in {404, 422}
        assert "set-cookie" not in answer.headers
        assert "x-evil" not in answer.headers


def test_a_method_override_is_not_known(ada: TestClient) -> None:
    headers = {"X-HTTP-Method-Override": "DELETE"}
    assert ada.get("/api/session", headers=headers).status_code == 200
    assert ada.get("/api/session").status_code == 200


def test_no_token_reaches_the_log(
    app: FastAPI, caplog: pytest.LogCaptureFixture, stranger: TestClient
) -> None:
    with caplog.at_level(logging.DEBUG):
        client = logged_in(app, "ada")
        stranger.post("/api/session", json={"token": "z" * 43})
        stranger.post("/api/session", json={"token": {"deep": "z" * 43}})
    written = [record.getMessage() for record in caplog.records if record.name != "httpx"]
    assert not [line for line in written if TOKENS["ada"] in line or "z" * 43 in line]
    assert not [line for line in written if client.cookies[COOKIE] in line]


def test_an_error_never_repeats_what_was_sent(stranger: TestClient) -> None:
    for sent in ({"token": ["s3cret"]}, {"token": "s3cret", "s3cret": 1}, ["s3cret"], "s3cret"):
        answer = stranger.post("/api/session", json=sent)
        assert answer.status_code in {401, 422}
        assert "s3cret" not in answer.text


def test_the_description_of_the_api_is_for_those_logged_in(
    ada: TestClient, stranger: TestClient
) -> None:
    for path in ("/openapi.json", "/docs", "/redoc"):
        assert stranger.get(path).status_code == 404
    assert stranger.get("/api/openapi.json").status_code == 401
    assert ada.get("/api/openapi.json").json()["info"]["title"] == "ScaleMAI review"


def test_the_origin_of_the_page_itself_is_taken(ada: TestClient) -> None:
    headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    assert ada.post("/api/leases", json={"count": 1}, headers=headers).status_code == 200
