"""Answers that nobody may give, and values that no number or name has: one test an attack."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import FastAPI
from made_up_room import MadeUp, client_of, keeping, logged_in, take
from starlette.testclient import TestClient

from scalemai_core.review.queue.tables import reads

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def answered(client: TestClient, lease: dict[str, Any], **changes: Any) -> Any:
    return client.post(f"/api/leases/{lease['lease_id']}/answer", json=keeping(lease, **changes))


def test_an_expired_lease_gives_nothing_and_takes_nothing(made: MadeUp, ada: TestClient) -> None:
    (lease,) = take(ada)
    with made.queue.database.writing() as connection:
        connection.execute(reads.update().values(expires=1.0))
    path = f"/api/leases/{lease['lease_id']}"
    answers = [
        answered(ada, lease), ada.get(f"{path}/bundle"), ada.get(f"{path}/files"),
        ada.post(f"{path}/renew"), ada.delete(path), ada.put(f"{path}/drawing", content=b""),
        ada.post(f"{path}/skip", json={"reason": "unsure", "seconds": 1}),
    ]  # fmt: skip
    assert {one.status_code for one in answers} == {409}
    assert {one.json()["code"] for one in answers} == {"lease_lost"}
    assert made.store.review_log(1).read() == ()


def test_somebody_elses_lease_gives_nothing_and_takes_nothing(
    made: MadeUp, ada: TestClient, ben: TestClient
) -> None:
    (lease,) = take(ada)
    path = f"/api/leases/{lease['lease_id']}"
    answers = [
        answered(ben, lease), ben.get(f"{path}/bundle"), ben.get(f"{path}/files"),
        ben.get(f"{path}/crop.nii.gz"), ben.get(f"{path}/mask.nii.gz"), ben.post(f"{path}/renew"),
        ben.delete(path), ben.put(f"{path}/drawing", content=b"x"),
        ben.post(f"{path}/skip", json={"reason": "mine", "seconds": 1}),
    ]  # fmt: skip
    assert {one.status_code for one in answers} == {409}
    assert made.store.review_log(1).read() == ()
    assert answered(ada, lease).status_code == 200


def test_a_bundle_cut_for_one_reader_is_not_given_to_another(
    ada: TestClient, ben: TestClient
) -> None:
    (lease,) = take(ada)
    path = f"/api/leases/{lease['lease_id']}/bundle"
    assert ada.get(path).status_code == 200
    assert ben.get(path).status_code == 409


def test_an_answer_sent_again_counts_once(made: MadeUp, ada: TestClient) -> None:
    (lease,) = take(ada)
    first, again = answered(ada, lease), answered(ada, lease)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert len(made.store.review_log(1).read()) == 1


def test_somebody_elses_answer_sent_again_is_refused(
    made: MadeUp, ada: TestClient, ben: TestClient
) -> None:
    (lease,) = take(ada)
    assert answered(ada, lease).status_code == 200
    again = answered(ben, lease)
    assert again.status_code == 409
    assert [entry.reader for entry in made.store.review_log(1).read()] == ["ada"]


def test_a_verdict_on_another_base_is_refused(made: MadeUp, ada: TestClient) -> None:
    (lease,) = take(ada)
    for base in ("0" * 64, None, "x"):
        refused = answered(ada, lease, base_label_map=base)
        assert (refused.status_code, refused.json()["code"]) == (409, "changed_mask")
    assert made.store.review_log(1).read() == ()


def test_a_choice_that_is_not_offered_is_refused(made: MadeUp, ada: TestClient) -> None:
    (lease,) = take(ada)
    for choice in ("prediction", "decided", "reader", "everything", "", None, 1):
        assert answered(ada, lease, choice=choice).status_code == 422, choice
    assert made.store.review_log(1).read() == ()


def test_a_piece_is_not_deleted_by_a_made_up_name(made: MadeUp, ada: TestClient) -> None:
    (lease,) = take(ada)
    for number in (1, 0, -1, 2**70):
        pieces = [{"number": number, "piece_hash": "f" * 64}]
        refused = answered(ada, lease, choice="reader", pieces=pieces)
        assert refused.status_code in {409, 422}
    many = [{"number": n, "piece_hash": "f" * 64} for n in range(251)]
    assert answered(ada, lease, choice="reader", pieces=many).status_code == 422
    assert made.store.review_log(1).read() == ()


def test_a_closed_review_takes_nothing(made: MadeUp, ada: TestClient) -> None:
    (lease,) = take(ada)
    made.store.review_log(1).close()
    refused = answered(ada, lease)
    assert (refused.status_code, refused.json()["code"]) == (409, "closed")


@pytest.mark.parametrize(
    "seconds", ["NaN", "Infinity", "-Infinity", "-1", "1e400", "86401", '"five"', "null", "[]",
     "1" + "0" * 5000],
)  # fmt: skip
def test_strange_seconds_are_refused(made: MadeUp, ada: TestClient, seconds: str) -> None:
    (lease,) = take(ada)
    base = json.dumps(lease["item"]["base_label_map"])
    body = f'{{"choice": "current", "base_label_map": {base}, "seconds": {seconds}}}'
    headers = {"Content-Type": "application/json"}
    path = f"/api/leases/{lease['lease_id']}"
    refused = ada.post(f"{path}/answer", content=body, headers=headers)
    assert refused.status_code == 422
    skipped = f'{{"reason": "unsure", "seconds": {seconds}}}'
    assert ada.post(f"{path}/skip", content=skipped, headers=headers).status_code == 422
    drawn = ada.put(f"{path}/drawing", params={"seconds": seconds}, content=b"x")
    assert drawn.status_code == 422
    assert made.store.review_log(1).read() == ()


@pytest.mark.parametrize("count", [0, -1, 6, 10**30, 1.5, "5", None, [1]])
def test_a_strange_number_of_items_is_refused(ada: TestClient, count: Any) -> None:
    assert ada.post("/api/leases", json={"count": count}).status_code == 422


@pytest.mark.parametrize("limit", ["0", "-1", "99999999999999999999999", "1e3", "x", "%00", "1;2"])
def test_a_strange_limit_is_refused(ada: TestClient, limit: str) -> None:
    assert ada.get("/api/items", params={"limit": limit}).status_code == 422


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"count": 1, "count": 2, "more": 3}',
     b'{"count": 1, "__proto__": {"admin": true}}', b"[" * 60000, b'{"kinds": ["root"]}',
     b'{"count": 1}\x00'],
)  # fmt: skip
def test_a_strange_body_is_refused(ada: TestClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    refused = ada.post("/api/leases", content=body, headers=headers)
    assert refused.status_code == 422
    assert set(refused.json()) == {"error", "code"}


@pytest.mark.parametrize("words", ["null\x00byte", "escape\x1b[2J", "\r\x0b", "x" * 501])
def test_words_that_are_no_words_are_refused(made: MadeUp, ada: TestClient, words: str) -> None:
    (lease,) = take(ada)
    path = f"/api/leases/{lease['lease_id']}"
    skipped = ada.post(f"{path}/skip", json={"reason": words, "seconds": 1})
    assert skipped.status_code == 422
    assert answered(ada, lease, note=words).status_code == 422
    assert made.store.review_log(1).read() == ()


def test_half_a_character_is_refused(made: MadeUp, ada: TestClient) -> None:
    (lease,) = take(ada)
    headers = {"Content-Type": "application/json"}
    for field in ("reason", "seconds"):
        body = (
            '{"reason": "unsure", "seconds": 1}'.replace("unsure", "\\ud800")
            if (field == "reason")
            else '{"reason": "unsure", "seconds": "\\ud800"}'
        )
        path = f"/api/leases/{lease['lease_id']}/skip"
        assert ada.post(path, content=body, headers=headers).status_code == 422
    assert made.store.review_log(1).read() == ()


def test_a_script_in_a_skip_reason_comes_back_as_json_only(
    app: FastAPI, made: MadeUp, ada: TestClient
) -> None:
    (lease,) = take(ada)
    path = f"/api/leases/{lease['lease_id']}/skip"
    assert ada.post(path, json={"reason": SCRIPT, "seconds": 1}).status_code == 200
    assert [entry.reason for entry in made.store.review_log(1).read()] == [SCRIPT]
    for path in ("/api/items", "/api/stats", "/api/round"):
        seen = logged_in(app, "cleo").get(path)
        assert seen.headers["content-type"] == "application/json"
        assert seen.headers["x-content-type-options"] == "nosniff"
    assert "<script>" not in logged_in(app, "cleo").get("/").text.replace("<script type", "")


def test_a_formula_in_a_database_query_is_only_text(
    app: FastAPI, made: MadeUp, ada: TestClient
) -> None:
    for name in ("' OR '1'='1", "'; DROP TABLE review_items; --"):
        assert ada.get(f"/api/leases/{name}/bundle").status_code == 422
        headers = {"Authorization": f"Bearer {name}"}
        assert client_of(app).get("/api/round", headers=headers).status_code == 401
    assert len(made.queue.open_items(1)) == len(made.items)


def test_nobody_is_told_what_is_expected(ada: TestClient) -> None:
    (lease,) = take(ada)
    told = ada.get("/api/items").text + json.dumps(lease)
    assert "expected" not in told
    assert "honeypot" not in told
    assert '"reads"' not in told


def test_too_many_answers_are_not_taken_back(made: MadeUp, ada: TestClient) -> None:
    refused = ada.post("/api/undo")
    assert refused.status_code in {409, 422}
    assert made.store.review_log(1).read() == ()
