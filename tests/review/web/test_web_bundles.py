"""What items show is cut once, ahead of the request, and bounded in bytes."""

from __future__ import annotations

import gzip
import io
import threading
import zipfile
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from made_up_room import BOX, MadeUp, client_of, take
from starlette.testclient import TestClient

from scalemai_core.records.lease import Lease
from scalemai_core.records.reader import Reader
from scalemai_core.review.bundle.wire import decode
from scalemai_core.review.desk import Desk
from scalemai_core.review.web import bundles as module
from scalemai_core.review.web.bundles import Bundles

SIZE_ZYX = tuple(last - first for first, last in zip(BOX[:3], BOX[3:], strict=True))


@pytest.fixture
def leases(made: MadeUp) -> tuple[Lease, ...]:
    return made.desk.take(Reader(name="ada"), 5)


@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Items that were cut; each bundle has 100 bytes."""
    done: list[str] = []

    def cut(_: Desk, lease: Lease) -> bytes:
        done.append(lease.item.structure)
        return b"x" * 100

    monkeypatch.setattr(module, "pack", cut)
    return done


def test_a_bundle_is_what_the_desk_cuts(made: MadeUp, ada: TestClient) -> None:
    (lease,) = take(ada)
    answer = ada.get(f"/api/leases/{lease['lease_id']}/bundle")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-type"] == "application/octet-stream"
    shown = decode(answer.content)
    assert shown.header["item"] == lease["item"]
    image_zyx = made.store.scans.read(made.scan_id)[2:14, 3:15, 4:17]
    np.testing.assert_array_equal(shown.arrays["image"], image_zyx)


def test_a_bundle_is_cut_once_and_ahead_of_the_request(
    made: MadeUp, leases: tuple[Lease, ...], cuts: list[str]
) -> None:
    bundles = Bundles(most_bytes=10_000, threads=2)
    bundles.ahead(made.desk, leases)
    bundles.ahead(made.desk, leases)
    for lease in leases:
        assert len(bundles.get(made.desk, lease)) == 100
    bundles.close()
    assert sorted(cuts) == sorted(lease.item.structure for lease in leases)


def test_the_bundles_used_longest_ago_are_let_go(
    made: MadeUp, leases: tuple[Lease, ...], cuts: list[str]
) -> None:
    bundles = Bundles(most_bytes=250, threads=1)
    for lease in leases[:3]:
        bundles.get(made.desk, lease)
    bundles.get(made.desk, leases[2])
    bundles.get(made.desk, leases[1])
    assert len(cuts) == 3
    bundles.get(made.desk, leases[0])
    assert len(cuts) == 4


def test_a_bundle_that_cannot_be_cut_is_tried_again(
    made: MadeUp, leases: tuple[Lease, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    def lost(_: Desk, __: Lease) -> bytes:
        nonlocal tries
        tries += 1
        raise FileNotFoundError("lost voxels")

    monkeypatch.setattr(module, "pack", lost)
    bundles = Bundles(most_bytes=250, threads=1)
    bundles.ahead(made.desk, leases[:1])
    for _ in range(3):
        with pytest.raises(FileNotFoundError):
            bundles.get(made.desk, leases[0])
    assert tries >= 3


def test_a_request_does_not_wait_behind_others_bundles(
    made: MadeUp, leases: tuple[Lease, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = threading.Event()

    def cut(_: Desk, lease: Lease) -> bytes:
        if lease is leases[0]:
            blocked.wait(20)
        return lease.lease_id.encode()

    monkeypatch.setattr(module, "pack", cut)
    bundles = Bundles(most_bytes=10_000, threads=1)
    bundles.ahead(made.desk, leases)
    assert bundles.get(made.desk, leases[3]) == leases[3].lease_id.encode()
    blocked.set()
    assert bundles.get(made.desk, leases[0]) == leases[0].lease_id.encode()
    bundles.close()


def test_many_threads_that_ask_at_once_get_one_bundle(
    made: MadeUp, leases: tuple[Lease, ...], cuts: list[str]
) -> None:
    bundles = Bundles(most_bytes=10_000, threads=2)
    start = threading.Barrier(8)
    got: list[bytes] = []

    def ask() -> None:
        start.wait()
        got.append(bundles.get(made.desk, leases[0]))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len(cuts) == 1


def test_after_closing_nothing_more_is_cut_ahead(
    made: MadeUp, leases: tuple[Lease, ...], cuts: list[str]
) -> None:
    bundles = Bundles(most_bytes=250, threads=1)
    bundles.close()
    bundles.ahead(made.desk, leases)
    assert cuts == []


def test_files_for_editors_lie_on_the_crops_grid(ada: TestClient) -> None:
    (lease,) = take(ada)
    path = f"/api/leases/{lease['lease_id']}"
    sizes: dict[str, Any] = {}
    for name in ("crop.nii.gz", "mask.nii.gz?option=A", "mask.nii.gz?option=B"):
        plain = gzip.decompress(ada.get(f"{path}/{name}").content)
        image = nib.Nifti1Image.from_bytes(plain)
        assert image.shape == SIZE_ZYX[::-1]
        sizes[name[-1]] = int(np.asarray(image.dataobj).astype(np.int64).sum())
    assert sizes["B"] > sizes["A"] > 0
    assert ada.get(f"{path}/mask.nii.gz?option=C").status_code == 404
    with zipfile.ZipFile(io.BytesIO(ada.get(f"{path}/files").content)) as archive:
        assert set(archive.namelist()) == {"image.nii.gz", "mask.nii.gz", "item.json"}


def test_a_page_of_the_fixed_table_is_sent_once(ada: TestClient, made: MadeUp) -> None:
    first = client_of(ada.app).get("/")  # type: ignore[arg-type]
    assert first.status_code in {200, 404}  # without the page there is none to send
    if first.status_code == 200:
        again = ada.get("/", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
