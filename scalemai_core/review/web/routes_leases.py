"""Taking items, and seeing what they show."""

from __future__ import annotations

from fastapi import APIRouter, Response

from scalemai_core.review.web.faults import ON_READ, ON_WRITE, problems
from scalemai_core.review.web.room import LOGGED_IN, AtDesk, ByVisitor, InRoom, LeaseId, UnderLease
from scalemai_core.review.web.shapes import GivenLeases, ShownLease, WantedLeases

OCTETS = "application/octet-stream"

router = APIRouter(prefix="/api/leases", tags=["leases"], dependencies=LOGGED_IN)


@router.post("", responses=problems(*ON_WRITE))
def take(room: InRoom, desk: AtDesk, visitor: ByVisitor, wanted: WantedLeases) -> GivenLeases:
    """Hold items; those one holds already come first. What they show is cut ahead."""
    kinds = None if wanted.kinds is None else frozenset(wanted.kinds)
    leases = desk.take(visitor.reader, wanted.count, kinds)
    room.bundles.ahead(desk, leases)
    return GivenLeases(leases=tuple(ShownLease.of(lease) for lease in leases))


@router.post("/{lease_id}/renew", responses=problems(*ON_WRITE))
def renew(desk: AtDesk, visitor: ByVisitor, lease_id: LeaseId) -> ShownLease:
    """Hold it longer."""
    return ShownLease.of(desk.renew(visitor.reader, lease_id))


@router.delete("/{lease_id}", responses=problems(*ON_WRITE), status_code=204)
def release(desk: AtDesk, visitor: ByVisitor, lease_id: LeaseId) -> None:
    """Give it back, for anybody to take."""
    desk.release(visitor.reader, lease_id)


@router.get(
    "/{lease_id}/bundle",
    responses=problems(*ON_READ, 409)
    | {200: {"content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}}}},
    response_class=Response,
)
def bundle(room: InRoom, desk: AtDesk, lease: UnderLease) -> Response:
    """The crop with all its masks; the header says what lies where."""
    return packed(room.bundles.get(desk, lease))


def packed(content: bytes) -> Response:
    """A gzip body that the browser unpacks."""
    return Response(content, media_type=OCTETS, headers={"Content-Encoding": "gzip"})
