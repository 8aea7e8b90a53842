"""Items as files, for the paint pane and for editors, and the masks that come back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.exceptions import HTTPException

from scalemai_core.records.answer import Answer, Receipt
from scalemai_core.records.decision import Candidate
from scalemai_core.records.grid import Grid
from scalemai_core.records.item_view import ItemView
from scalemai_core.records.review import ReviewItem
from scalemai_core.review.bundle.crop import read_crop
from scalemai_core.review.bundle.cut import KEYS, crop_grid
from scalemai_core.review.desk import Desk
from scalemai_core.review.drawing import Drawing
from scalemai_core.review.handoff.drawing import read_drawing
from scalemai_core.review.handoff.nifti import encode
from scalemai_core.review.handoff.package import pack, unpack
from scalemai_core.review.handoff.voxels import read_item
from scalemai_core.review.web.access import Visitor
from scalemai_core.review.web.faults import ON_READ, ON_WRITE, problems
from scalemai_core.review.web.room import LOGGED_IN, AtDesk, ByVisitor, LeaseId, UnderLease
from scalemai_core.review.web.shapes import DAY_SECONDS

GZIP = "application/gzip"
ZIP = "application/zip"
OCTETS = "application/octet-stream"
Seconds = Annotated[float, Query(ge=0, le=DAY_SECONDS, allow_inf_nan=False)]
BINARY = {"schema": {"type": "string", "format": "binary"}}

router = APIRouter(prefix="/api/leases/{lease_id}", tags=["files"], dependencies=LOGGED_IN)


async def _sent(request: Request) -> bytes:
    """The raw body; BodyGate bounds it."""
    return await request.body()


def _file(media_type: str) -> dict[int | str, dict[str, Any]]:
    return problems(*ON_READ, 404, 409) | {200: {"content": {media_type: BINARY}}}


@router.get("/crop.nii.gz", responses=_file(GZIP), response_class=Response)
def crop(desk: AtDesk, lease: UnderLease) -> Response:
    """The scan inside the item's box, in HU."""
    view = desk.view(lease.item.item_id)
    found = read_crop(desk.store, lease.item, view)
    grid = crop_grid(desk.store.scans.grid(lease.item.scan_id), view.box)
    return Response(encode(found.image_zyx, grid), media_type=GZIP)


@router.get("/mask.nii.gz", responses=_file(GZIP), response_class=Response)
def mask(desk: AtDesk, lease: UnderLease, option: Literal["A", "B", "C"] = "A") -> Response:
    """One of the masks that are offered, 0 and 1, on the crop's grid."""
    view = desk.view(lease.item.item_id)
    options = read_crop(desk.store, lease.item, view).options
    place = KEYS.index(option)
    if place >= len(options):
        raise HTTPException(404, f"this item has no option {option}")
    grid = crop_grid(desk.store.scans.grid(lease.item.scan_id), view.box)
    return Response(encode(options[place].mask_zyx.astype("u1"), grid), media_type=GZIP)


@router.get("/files", responses=_file(ZIP), response_class=Response)
def files(desk: AtDesk, lease: UnderLease) -> Response:
    """CT and current mask for an editor, and ``item.json``, which says what they belong to."""
    view = desk.view(lease.item.item_id)
    zipped = pack(lease.item, read_item(desk.store, lease.item, view))
    headers = {"Content-Disposition": 'attachment; filename="item.zip"'}
    return Response(zipped, media_type=ZIP, headers=headers)


@router.put(
    "/drawing",
    responses=problems(*ON_WRITE),
    openapi_extra={"requestBody": {"required": True, "content": {OCTETS: BINARY}}},
)
def drawing(
    desk: AtDesk,
    visitor: ByVisitor,
    lease_id: LeaseId,
    sent: Annotated[bytes, Depends(_sent)],
    seconds: Seconds = 0.0,
) -> Receipt:
    """The mask as an editor or the paint pane saved it, on the crop's or on the scan's grid."""
    return _drawn(desk, visitor, lease_id, sent, seconds, read_drawing)


@router.put(
    "/files",
    responses=problems(*ON_WRITE),
    openapi_extra={"requestBody": {"required": True, "content": {OCTETS: BINARY}}},
)
def files_back(
    desk: AtDesk,
    visitor: ByVisitor,
    lease_id: LeaseId,
    sent: Annotated[bytes, Depends(_sent)],
    seconds: Seconds = 0.0,
) -> Receipt:
    """The zip that was given out, its mask edited; refused if it belongs to another item."""
    return _drawn(desk, visitor, lease_id, sent, seconds, unpack)


def _drawn(
    desk: Desk,
    visitor: Visitor,
    lease_id: str,
    sent: bytes,
    seconds: float,
    read: Callable[[bytes, ReviewItem, ItemView, Grid, Grid], Drawing],
) -> Receipt:
    item = desk.item(visitor.reader, lease_id)
    view = desk.view(item.item_id)
    grid = desk.store.scans.grid(item.scan_id)
    drawing = read(sent, item, view, grid, crop_grid(grid, view.box))
    said = Answer(choice=Candidate.READER, base_label_map=item.base_label_map, seconds=seconds)
    return desk.answer(visitor.reader, lease_id, said, drawing)
