"""The published MONAI Label client works the queue: over HTTP, as Slicer's plugin uses it."""

from __future__ import annotations

import gzip
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from scalemai_core.errors import UsageError
from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.decision import Candidate
from scalemai_core.records.grid import Grid
from scalemai_core.records.item_view import Box, ItemView
from scalemai_core.records.label_map import Layer
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.records.scan import Scan
from scalemai_core.review.desk import Desk
from scalemai_core.review.queue.queue import Queue
from scalemai_core.review.web.monai_label import Doors, monai_label_router
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.catalog.rows import annotation_rows, scan_rows
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

client_module = pytest.importorskip("monailabel.client.client", reason="no MONAI Label client here")

SHAPE_ZYX = (14, 16, 18)
BOX: Box = (1, 2, 3, 13, 14, 15)
GRID = Grid.of(
    SHAPE_ZYX, np.array([[0.8, 0, 0, -10], [0, 0.8, 0, 5], [0, 0, 2.0, 100], [0, 0, 0, 1.0]])
)
NAMES = ("spleen", "liver", "stomach")
TOKENS = {"a" * 43: Reader(name="ada"), "b" * 43: Reader(name="ben")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    url: str
    desk: Desk
    items: tuple[ReviewItem, ...]
    image_zyx: np.ndarray
    labels_zyx: np.ndarray

    def entries(self) -> tuple[Any, ...]:
        return self.desk.store.review_log(1).read()


def made_up_desk(folder: Path) -> Served:
    store = Workspace.create(str(folder / "workspace"))
    image_zyx = np.random.default_rng(7).integers(-200, 200, SHAPE_ZYX).astype(np.int16)
    labels_zyx = np.zeros(SHAPE_ZYX, np.uint8)
    for number, name in enumerate(NAMES):
        labels_zyx[4:8, 4:8, 4 + 3 * number] = load_taxonomy()[name].id
    scan_id = store.scans.write(image_zyx, GRID, {})
    base = store.labels.write(labels_zyx, scan_id, Layer.ANATOMY, GRID)
    scan = Scan(
        scan_id=scan_id, patient="p", case="c", source="test", grid=GRID, source_axes="RAS",
        source_affine=GRID.affine, fold=0,
    )  # fmt: skip
    known = [
        Annotation(
            scan_id=scan_id, structure=name, state=State.PRESENT, label_map=base,
            origin=Origin.SOURCE, revision=1,
        )
        for name in NAMES
    ]  # fmt: skip
    store.catalog.commit(
        base=None,
        scans=scan_rows([scan]),
        annotations=[annotation_rows(known)],
        round_number=0,
        message="made up",
    )
    items = tuple(
        ReviewItem(
            item_id=f"1-{scan_id}-{name}", round=1, kind=kind, scan_id=scan_id, structure=name,
            priority=9.0 - number, reason="drawn badly", base_label_map=base, prediction=None,
            rival=Candidate.REPAIRED, seconds=30.0,
        )
        for number, (name, kind) in enumerate(
            zip(NAMES, (ItemKind.EDIT, ItemKind.CHOOSE, ItemKind.AUDIT), strict=True)
        )
    )  # fmt: skip
    views = [
        ItemView(item_id=item.item_id, centre_zyx=(6, 6, 6), box=BOX, volumes_ml=(1.0, None, None))
        for item in items
    ]
    queue = Queue(f"sqlite:///{folder / 'queue.db'}")
    queue.fill(items, ())
    desk = Desk(store, queue, 1, ReviewSettings())
    desk.view = {view.item_id: view for view in views}.__getitem__  # type: ignore[method-assign]
    return Served(url="", desk=desk, items=items, image_zyx=image_zyx, labels_zyx=labels_zyx)


def by_token(_: Request, token: str) -> Reader:
    if token not in TOKENS:
        raise HTTPException(401, "this token lets nobody in")
    return TOKENS[token]


def identify(request: Request) -> Reader:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return by_token(request, token if scheme == "Bearer" else "")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = made_up_desk(tmp_path)
    app = FastAPI(redirect_slashes=False)
    doors = Doors(identify=identify, by_token=by_token, hands_out=True)
    router = monai_label_router(lambda: made.desk, made.desk.queue, doors)
    app.include_router(router, prefix="/monailabel")

    @app.exception_handler(UsageError)
    def misused(_: Request, error: UsageError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 422)

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}/monailabel"
    yield Served(url=url, desk=made.desk, items=made.items, image_zyx=made.image_zyx,
                 labels_zyx=made.labels_zyx)  # fmt: skip
    server.should_exit = True
    thread.join()


def logged_in(served: Served, folder: Path, name: str = "ada") -> Any:
    client = client_module.MONAILabelClient(served.url, tmpdir=str(folder))
    assert client.auth_enabled()
    client.update_auth(client.auth_token(name, name[0] * 43))
    assert client.auth_valid_token()
    return client


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:  # as Slicer fetches: without a token
        return answer.read()


def drawn(path: Path, folder: Path, *, value: int = 1) -> tuple[str, np.ndarray]:
    """The mask grown by one voxel, saved as LPS; with what it should come back as."""
    image = nib.load(path)
    mask_xyz = np.asarray(image.dataobj).astype(np.uint8) * np.uint8(value)
    mask_xyz[0, 0, 0] = value
    saved = nib.Nifti1Image(mask_xyz, image.affine)
    turn = np.array([[0, -1], [1, -1], [2, 1]])
    out = folder / "drawn.nii.gz"
    nib.save(saved.as_reoriented(turn), out)
    return str(out), mask_xyz.T > 0


def test_the_client_logs_in_draws_an_item_and_saves_it(served: Served, tmp_path: Path) -> None:
    client = logged_in(served, tmp_path)
    info = client.info()
    assert list(info["strategies"]) == ["queue"]
    assert info["datastore"] == {"total": 3, "completed": 0, "label_tags": {}}
    assert not client.train_status(check_if_running=True)
    sample = client.next_sample("queue", {})
    assert sample["structure"] == "spleen"
    assert client.next_sample("queue", {})["id"] == sample["id"]  # asked again, not lost

    data = gzip.decompress(fetched(f"{served.url}/datastore/image?image={sample['id']}"))
    image = nib.Nifti1Image.from_bytes(data)
    z0, y0, x0, z1, y1, x1 = BOX
    assert np.array_equal(np.asarray(image.dataobj).T, served.image_zyx[z0:z1, y0:y1, x0:x1])

    described = client.datastore()["objects"][sample["id"]]["labels"]["original"]["info"]
    assert described["params"]["label_names"] == {"spleen": 1}
    mask_path = Path(client.download_label(sample["id"], "original"))
    assert mask_path.name.endswith(".nii.gz")
    path, expected_zyx = drawn(mask_path, tmp_path)
    told = {"label_info": [{"name": "spleen", "idx": 1}]}
    assert client.save_label(sample["id"], path, params=told)["label"] == sample["id"]

    (entry,) = served.entries()
    assert entry.reader == "ada"
    assert entry.verdict.choice is Candidate.READER
    found_zyx = served.desk.store.labels.read(entry.verdict.label_map)
    assert np.array_equal(found_zyx[z0:z1, y0:y1, x0:x1] > 0, expected_zyx)
    assert set(np.unique(found_zyx)) == {0, load_taxonomy()["spleen"].id}

    assert client.next_sample("queue", {})["structure"] == "liver"
    assert client.info()["datastore"]["completed"] == 1


def test_an_item_that_is_answered_by_a_key_is_not_handed_out(
    served: Served, tmp_path: Path
) -> None:
    ada, ben = logged_in(served, tmp_path), logged_in(served, tmp_path, "ben")
    assert ada.next_sample("queue", {})["structure"] == "spleen"
    assert ben.next_sample("queue", {})["structure"] == "liver"
    assert served.desk.queue.lease(Reader(name="cleo"), round_number=1, count=9, seconds=60)
    cleo = ben.next_sample("queue", {})
    assert cleo["structure"] == "liver"


def test_what_is_no_drawing_of_the_item_is_refused_and_nothing_is_kept(
    served: Served, tmp_path: Path
) -> None:
    client = logged_in(served, tmp_path)
    sample = client.next_sample("queue", {})
    path, _ = drawn(Path(client.download_label(sample["id"], "original")), tmp_path, value=77)
    garbage = tmp_path / "garbage.nii.gz"
    garbage.write_bytes(b"\x1f\x8bgarbage")
    named = {"label_info": [{"name": "liver", "idx": 77}]}
    for file, tag, params, said in (
        (path, "", {}, "labels 77"),
        (path, "", named, "labels liver"),
        (path, "draft", {}, "only the label"),
        (path, "", {"label_info": "no"}, "not understood"),
        (str(garbage), "", {}, "damaged"),
    ):
        with pytest.raises(client_module.MONAILabelClientException) as error:
            client.save_label(sample["id"], file, tag, params)
        assert said in error.value.msg
        assert "422" in error.value.msg
    assert served.entries() == ()


def test_ids_are_looked_up_and_never_paths(served: Served, tmp_path: Path) -> None:
    ada, ben = logged_in(served, tmp_path), logged_in(served, tmp_path, "ben")
    sample = ada.next_sample("queue", {})
    for name in ("../../etc/passwd", "0" * 32, sample["id"][:-1], "%00", sample["id"].upper()):
        with pytest.raises(client_module.MONAILabelClientException) as error:
            ada.download_label(name, "original")
        assert error.value.status_code in (409, 422)
    with pytest.raises(client_module.MONAILabelClientException):
        ben.download_label(sample["id"], "original")
    mask = ada.download_label(sample["id"], "original")
    with pytest.raises(client_module.MONAILabelClientException):
        ben.save_label(sample["id"], mask)
    assert served.entries() == ()


def test_nobody_unknown_is_let_in(served: Served, tmp_path: Path) -> None:
    client = client_module.MONAILabelClient(served.url, tmpdir=str(tmp_path))
    for name, token in (("ada", "x" * 43), ("ben", "a" * 43)):
        with pytest.raises(client_module.MONAILabelClientException) as error:
            client.auth_token(name, token)
        assert error.value.status_code == 401
    assert not client.auth_valid_token()
    for ask in (
        client.info,
        lambda: client.next_sample("queue", {}),
        lambda: client.download_label("0" * 32, "original"),
        lambda: client.get_session("x"),
    ):
        with pytest.raises(client_module.MONAILabelClientException) as error:
            ask()
        assert error.value.status_code == 401


def test_an_image_is_fetched_without_a_token_once_and_only_after_it_was_told(
    served: Served, tmp_path: Path
) -> None:
    client = logged_in(served, tmp_path)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        fetched(f"{served.url}/datastore/image?image={'0' * 32}")
    sample = client.next_sample("queue", {})
    assert fetched(f"{served.url}/datastore/image?image={sample['id']}")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        fetched(f"{served.url}/datastore/image?image={sample['id']}")


def test_a_reviewer_approves_a_mask_or_passes_it_on(served: Served, tmp_path: Path) -> None:
    client = logged_in(served, tmp_path)
    token = "a" * 43

    def judge(lease_id: str, **meta: str) -> int:
        body = f"params={json.dumps({'segmentationMeta': meta})}".encode()
        request = urllib.request.Request(
            f"{served.url}/datastore/updatelabelinfo?label={lease_id}&tag=original",
            data=body,
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            method="PUT",
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    first = client.next_sample("queue", {})["id"]
    assert judge(first, status="flagged") == 422
    assert judge(first, status="approved", comment="fine") == 200
    assert judge(client.next_sample("queue", {})["id"], status="flagged", comment="dark") == 200
    kept, skipped = served.entries()
    assert kept.verdict.choice is Candidate.CURRENT
    assert (skipped.act, skipped.reason) == ("skip", "dark")


def test_sessions_and_uploads_of_images_are_refused_as_the_client_expects(
    served: Served, tmp_path: Path
) -> None:
    client = logged_in(served, tmp_path)
    image = tmp_path / "image.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)), image)
    for ask in (
        lambda: client.create_session(str(image)),
        lambda: client.upload_image(str(image), "mine"),
        lambda: client.get_session("x"),
    ):
        with pytest.raises(client_module.MONAILabelClientException) as error:
            ask()
        assert "406" in error.value.msg
