"""Masks that are no masks, and bodies that never end: one test an attack."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zipfile
from collections.abc import Iterator
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from made_up_room import (
    GRID,
    SHAPE_ZYX,
    MadeUp,
    client_of,
    drawn_mask,
    logged_in,
    made_up_app,
    take,
)
from starlette.testclient import TestClient

MEGABYTE = 1_000_000


def header_changed(at: int, layout: str, *values: Any) -> bytes:
    """A mask whose header says something else at a byte."""
    plain = bytearray(gzip.decompress(drawn_mask()))
    struct.pack_into(layout, plain, at, *values)
    return bytes(plain)


def nan_affine() -> bytes:
    return header_changed(280, "<4f", *[float("nan")] * 4)


def draw(client: TestClient, lease: dict[str, Any], content: Any) -> Any:
    path = f"/api/leases/{lease['lease_id']}/drawing"
    return client.put(path, params={"seconds": 3}, content=content)


def test_a_mask_as_an_editor_saves_it_is_taken(made: MadeUp, ada: TestClient) -> None:
    (lease,) = take(ada)
    taken = draw(ada, lease, drawn_mask())
    assert taken.status_code == 200, taken.text
    assert taken.json()["entry_id"] == lease["lease_id"]
    (entry,) = made.store.review_log(1).read()
    assert entry.verdict is not None
    labels_zyx = made.store.labels.read(entry.verdict.label_map or "")
    assert np.count_nonzero(labels_zyx) == 3
    assert draw(ada, lease, drawn_mask()).json() == taken.json()  # its acknowledgement was lost
    assert len(made.store.review_log(1).read()) == 1


MALFORMED = {
    "empty": b"",
    "noise": bytes(range(256)) * 4,
    "a picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 400,
    "a script": b"<script>alert(1)</script>" * 40,
    "truncated gzip": drawn_mask()[:-40],
    "gzip of nothing": gzip.compress(b""),
    "gzip with a broken sum": drawn_mask()[:-8] + b"\0" * 8,
    "truncated voxels": gzip.decompress(drawn_mask())[:-10],
    "header alone": gzip.decompress(drawn_mask())[:348],
    "half a header": gzip.decompress(drawn_mask())[:200],
    "more than it says": gzip.decompress(drawn_mask()) + b"\0" * 1000,
    "huge axes": header_changed(40, "<8h", 3, 32767, 32767, 32767, 1, 1, 1, 1),
    "negative axes": header_changed(40, "<8h", 3, -1, -1, -1, 1, 1, 1, 1),
    "no axes": header_changed(40, "<h", 0),
    "many axes": header_changed(40, "<h", 30000),
    "a time axis": header_changed(40, "<8h", 4, *SHAPE_ZYX[::-1], 2, 1, 1, 1),
    "NaN affine": nan_affine(),
    "infinite affine": header_changed(280, "<4f", *[float("inf")] * 4),
    "huge affine": header_changed(280, "<4f", *[3e38] * 4),
    "flat affine": header_changed(280, "<4f", *[0.0] * 4),
    "no affine": header_changed(252, "<2h", 0, 0),
    "a voxel offset far away": header_changed(108, "<f", 1e30),
    "a voxel offset of NaN": header_changed(108, "<f", float("nan")),
    "a negative voxel offset": header_changed(108, "<f", -5.0),
    "an unknown type": header_changed(70, "<h", 12345),
    "a complex type": header_changed(70, "<2h", 1792, 128),
    "colours": header_changed(70, "<2h", 128, 24),
    "scaled values": header_changed(112, "<2f", 0.5, 7.0),
    "the other magic": header_changed(344, "4s", b"ni1\0"),
    "NIfTI-2": struct.pack("<i", 540) + b"n+2\0\r\n\x1a\n" + b"\0" * 600,
    "float fractions": gzip.compress(
        nib.Nifti1Image(np.full(SHAPE_ZYX[::-1], 0.5, np.float32), GRID.matrix).to_bytes()
    ),
    "float NaN": gzip.compress(
        nib.Nifti1Image(np.full(SHAPE_ZYX[::-1], np.nan, np.float32), GRID.matrix).to_bytes()
    ),
    "labels of other structures": gzip.compress(
        nib.Nifti1Image(np.full(SHAPE_ZYX[::-1], 77, np.uint8), GRID.matrix).to_bytes()
    ),
    "another grid": gzip.compress(
        nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), GRID.matrix).to_bytes()
    ),
    "another place": drawn_mask(affine=GRID.matrix + np.eye(4)[:, [3, 3, 3, 0]].T * 0 + 9.0),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_mask_is_refused_in_one_sentence(
    made: MadeUp, ada: TestClient, what: str
) -> None:
    (lease,) = take(ada)
    refused = draw(ada, lease, MALFORMED[what])
    assert refused.status_code in {413, 422}, refused.text
    assert set(refused.json()) == {"error", "code"}
    assert "\n" not in refused.json()["error"]
    assert "/tmp" not in refused.text
    assert made.store.review_log(1).read() == ()


def test_a_mask_in_whole_float_numbers_is_taken_as_it_is_meant(ada: TestClient) -> None:
    (lease,) = take(ada)
    assert draw(ada, lease, drawn_mask(np.float32)).status_code == 200


def test_an_oversized_upload_is_refused_before_it_is_read(made: MadeUp) -> None:
    ada = logged_in(made_up_app(made, max_upload_mb=0.1), "ada")
    (lease,) = take(ada)
    refused = draw(ada, lease, b"\0" * MEGABYTE)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


def test_an_upload_without_a_length_is_cut_off_at_the_limit(made: MadeUp) -> None:
    ada = logged_in(made_up_app(made, max_upload_mb=0.1), "ada")
    (lease,) = take(ada)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(50):
            sent += 10_000
            yield b"\0" * 10_000

    refused = draw(ada, lease, endless())
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("length", ["5", "-1", "1e3", "99999999999999999999", "x"])
def test_a_false_length_does_not_get_around_the_limit(made: MadeUp, length: str) -> None:
    ada = logged_in(made_up_app(made, max_upload_mb=0.1), "ada")
    (lease,) = take(ada)
    path = f"/api/leases/{lease['lease_id']}/drawing"
    headers = {"Content-Length": length}
    refused = ada.put(path, content=b"\0" * MEGABYTE, headers=headers)
    assert refused.status_code == 413


def test_an_oversized_body_of_any_other_request_is_refused(ada: TestClient) -> None:
    (lease,) = take(ada)
    path = f"/api/leases/{lease['lease_id']}"
    large = {"reason": "x" * 100_000, "seconds": 1}
    assert ada.post(f"{path}/skip", json=large).status_code == 413
    assert ada.post("/api/session", json={"token": "x" * 100_000}).status_code == 413


def test_a_gzip_bomb_is_never_unpacked(made: MadeUp, ada: TestClient) -> None:
    (lease,) = take(ada)
    bomb = gzip.compress(b"\0" * (200 * MEGABYTE), 9)
    assert len(bomb) < MEGABYTE
    in_mask = gzip.compress(gzip.decompress(drawn_mask()) + b"\0" * (200 * MEGABYTE), 9)
    tracemalloc.start()
    refused = [draw(ada, lease, one) for one in (bomb, in_mask)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert {one.status_code for one in refused} <= {413, 422}
    assert peak < 20 * MEGABYTE
    assert made.store.review_log(1).read() == ()


def test_a_body_packed_on_the_way_is_not_unpacked(ada: TestClient) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    sent = gzip.compress(b'{"count": 1}')
    assert ada.post("/api/leases", content=sent, headers=headers).status_code == 422


def test_a_stranger_uploads_nothing(made: MadeUp) -> None:
    stranger = client_of(made_up_app(made))
    read = 0

    def watched() -> Iterator[bytes]:
        nonlocal read
        read += 1
        yield b"\0" * 1000

    path = f"/api/leases/{'0' * 32}/drawing"
    assert stranger.put(path, content=watched()).status_code == 401


@pytest.mark.parametrize("option", ["D", "a", "../A", "", "A\x00", "AB"])
def test_a_strange_option_is_refused(ada: TestClient, option: str) -> None:
    (lease,) = take(ada)
    path = f"/api/leases/{lease['lease_id']}/mask.nii.gz"
    assert ada.get(path, params={"option": option}).status_code == 422


def test_names_of_files_say_nothing_of_the_patient(made: MadeUp, ada: TestClient) -> None:
    (lease,) = take(ada)
    answer = ada.get(f"/api/leases/{lease['lease_id']}/files")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="item.zip"'


def test_the_zip_that_was_given_out_comes_back_with_its_mask_edited(
    made: MadeUp, ada: TestClient
) -> None:
    lease, other = take(ada, 2)
    path = f"/api/leases/{lease['lease_id']}/files"
    given, foreign = (
        ada.get(f"/api/leases/{one['lease_id']}/files").content for one in (lease, other)
    )
    edited = zip_with(given, "mask.nii.gz", drawn_mask())
    for wrong in (b"", b"PK", edited[:-30], zip_with(foreign, "mask.nii.gz", drawn_mask())):
        assert ada.put(path, params={"seconds": 3}, content=wrong).status_code == 422
    assert made.store.review_log(1).read() == ()
    assert ada.put(path, params={"seconds": 3}, content=edited).status_code == 200
    (entry,) = made.store.review_log(1).read()
    assert entry.verdict is not None
    assert np.count_nonzero(made.store.labels.read(entry.verdict.label_map or "")) == 3


def zip_with(packed: bytes, name: str, content: bytes) -> bytes:
    """The same zip with another content of one file."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(written, "w") as new:
        for one in old.namelist():
            new.writestr(one, content if one == name else old.read(one))
    return written.getvalue()
