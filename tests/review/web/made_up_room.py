"""A review server over a small made-up workspace, and people who use it."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from fastapi import FastAPI
from starlette.testclient import TestClient

from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.decision import Candidate
from scalemai_core.records.grid import Grid
from scalemai_core.records.item_view import ItemView
from scalemai_core.records.label_map import Layer
from scalemai_core.records.reader import Reader, Role
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.records.scan import Scan
from scalemai_core.review.desk import Desk
from scalemai_core.review.queue.queue import Queue
from scalemai_core.review.views import VIEWS, view_table
from scalemai_core.review.web.app import create_app
from scalemai_core.review.web.sessions import secret_hash
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.settings.web import WebSettings
from scalemai_core.store.catalog.rows import annotation_rows, scan_rows
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

ORIGIN = "http://localhost:8100"
SHAPE_ZYX = (16, 18, 20)
BOX = (2, 3, 4, 14, 15, 17)
GRID = Grid.of(
    SHAPE_ZYX, np.array([[0.8, 0, 0, -10], [0, 0.8, 0, 5], [0, 0, 2.0, 100], [0, 0, 0, 1.0]])
)
STRUCTURES = ("spleen", "liver", "pancreas", "stomach", "gall_bladder", "duodenum")
TOKENS = {"ada": "a" * 43, "ben": "b" * 43, "cleo": "c" * 43, "dora": "d" * 43}
ROLES = {"ada": Role.READER, "ben": Role.READER, "cleo": Role.ADJUDICATOR, "dora": Role.ADMIN}


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUp:
    """One round under review."""

    store: Workspace
    queue: Queue
    desk: Desk
    items: tuple[ReviewItem, ...]
    scan_id: str
    base: str


def made_up_review(folder: Path, *, names: Sequence[str] = STRUCTURES, copies: int = 1) -> MadeUp:
    """A scan with a block for each structure, ``copies`` questions about each."""
    store = Workspace.create(str(folder / "workspace"))
    taxonomy = load_taxonomy()
    rng = np.random.default_rng(7)
    image_zyx = rng.integers(-200, 200, SHAPE_ZYX).astype(np.int16)
    current_zyx = np.zeros(SHAPE_ZYX, np.uint8)
    rival_zyx = np.zeros(SHAPE_ZYX, np.uint8)
    for number, name in enumerate(names):
        current_zyx[4:8, 4:8, 4 + 2 * number] = taxonomy[name].id
        rival_zyx[4:9, 4:8, 4 + 2 * number] = taxonomy[name].id
    scan_id = store.scans.write(image_zyx, GRID, {})
    base = store.labels.write(current_zyx, scan_id, Layer.ANATOMY, GRID)
    rival = store.labels.write(rival_zyx, scan_id, Layer.ANATOMY, GRID)
    scan = Scan(
        scan_id=scan_id, patient="p", case="c", source="test", grid=GRID, source_axes="RAS",
        source_affine=GRID.affine, fold=0,
    )  # fmt: skip
    store.catalog.commit(
        base=None,
        scans=scan_rows([scan]),
        annotations=[annotation_rows(
            Annotation(
                scan_id=scan_id, structure=name, state=State.PRESENT, label_map=base,
                origin=Origin.SOURCE, revision=1,
            )
            for name in names
        )],
        round_number=0,
        message="made up",
    )  # fmt: skip
    items = tuple(
        _item(scan_id, name, base, rival, f"-{copy}" if copy else "")
        for copy in range(copies)
        for name in names
    )
    store.round(1).write(VIEWS, view_table(_view(item) for item in items))
    queue = Queue(f"sqlite:///{folder / 'queue.db'}")
    queue.fill(items, ())
    for name, token in TOKENS.items():
        queue.add_reader(Reader(name=name, role=ROLES[name]), secret_hash(token))
    desk = Desk(store, queue, 1, ReviewSettings())
    return MadeUp(store=store, queue=queue, desk=desk, items=items, scan_id=scan_id, base=base)


def made_up_app(made: MadeUp, **settings: Any) -> FastAPI:
    """The server of that round."""
    return create_app(lambda: made.desk, made.queue, WebSettings(**settings))


def client_of(app: FastAPI, base_url: str = ORIGIN) -> TestClient:
    """A browser, or a tool, that nobody knows yet; a fault of the server is an answer, too."""
    return TestClient(app, base_url=base_url, raise_server_exceptions=False)


def logged_in(app: FastAPI, name: str) -> TestClient:
    """A browser after logging in; it sends the CSRF token with everything."""
    client = client_of(app)
    answer = client.post("/api/session", json={"token": TOKENS[name]})
    assert answer.status_code == 200, answer.text
    client.headers["X-CSRF-Token"] = answer.json()["csrf"]
    client.headers["Origin"] = ORIGIN
    return client


def take(client: TestClient, count: int = 1) -> list[dict[str, Any]]:
    """What the server gives to hold."""
    answer = client.post("/api/leases", json={"count": count})
    assert answer.status_code == 200, answer.text
    return answer.json()["leases"]


def keeping(lease: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The answer that the current mask is right."""
    base = lease["item"]["base_label_map"]
    return {"choice": "current", "base_label_map": base, "seconds": 4.0} | changes


def drawn_mask(dtype: type = np.uint8, affine: np.ndarray | None = None) -> bytes:
    """A mask of three voxels on the scan's grid, as an editor saves it."""
    mask_xyz = np.zeros(SHAPE_ZYX[::-1], dtype)
    mask_xyz[5:8, 5, 5] = 1
    image = nib.Nifti1Image(mask_xyz, GRID.matrix if affine is None else affine)
    return gzip.compress(image.to_bytes())


def _item(scan_id: str, name: str, base: str, rival: str, suffix: str) -> ReviewItem:
    return ReviewItem(
        item_id=f"1-{scan_id}-{name}{suffix}", round=1, kind=ItemKind.CHOOSE, scan_id=scan_id,
        structure=name, priority=9.0, reason="the masks differ", base_label_map=base,
        prediction=None, rival=Candidate.REPAIRED, rival_map=rival, seconds=5.0,
    )  # fmt: skip


def _view(item: ReviewItem) -> ItemView:
    return ItemView(
        item_id=item.item_id, centre_zyx=(6, 6, 6), box=BOX, volumes_ml=(0.1, 0.2, None)
    )
