"""Saying what is right, and taking it back."""

from __future__ import annotations

from fastapi import APIRouter

from scalemai_core.records.answer import Answer, Receipt
from scalemai_core.review.web.faults import ON_WRITE, problems
from scalemai_core.review.web.room import LOGGED_IN, AtDesk, ByVisitor, InRoom, LeaseId
from scalemai_core.review.web.shapes import GivenAnswer, GivenLease, GivenSkip, ShownLease

router = APIRouter(prefix="/api", tags=["answers"], dependencies=LOGGED_IN)


@router.post("/leases/{lease_id}/answer", responses=problems(*ON_WRITE))
def answer(desk: AtDesk, visitor: ByVisitor, lease_id: LeaseId, given: GivenAnswer) -> Receipt:
    """Choose a mask, or delete pieces; acknowledged once it is stored for good."""
    said = Answer(
        choice=given.choice,
        base_label_map=given.base_label_map,
        seconds=given.seconds,
        note=given.note,
        pieces=given.pieces,
    )
    return desk.answer(visitor.reader, lease_id, said)


@router.post("/leases/{lease_id}/skip", responses=problems(*ON_WRITE))
def skip(desk: AtDesk, visitor: ByVisitor, lease_id: LeaseId, given: GivenSkip) -> Receipt:
    """Leave it to somebody else, and say why."""
    return desk.skip(visitor.reader, lease_id, given.reason, given.seconds)


@router.post("/undo", responses=problems(*ON_WRITE))
def undo(room: InRoom, desk: AtDesk, visitor: ByVisitor) -> GivenLease:
    """Take the newest of one's last answers back, and hold its item again."""
    lease = desk.undo(visitor.reader)
    room.bundles.ahead(desk, (lease,))
    return GivenLease(lease=ShownLease.of(lease))
