"""What waits, and how it goes."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query

from scalemai_core.records.review_stats import ReviewStats
from scalemai_core.review.web.faults import ON_READ, problems
from scalemai_core.review.web.room import LOGGED_IN, AtDesk, ByVisitor, InRoom
from scalemai_core.review.web.shapes import ListedRow, Listing, OpenRound

MOST_LISTED = 1000

router = APIRouter(prefix="/api", tags=["round"], dependencies=LOGGED_IN)


@router.get("/round", responses=problems(*ON_READ))
def open_round(room: InRoom) -> OpenRound:
    """The round whose review is open, and how much of it waits."""
    desk = room.desk_of()
    if desk is None:
        return OpenRound(round=None, kinds={}, progress=None)
    waiting = room.queue.open_items(desk.round_number)
    return OpenRound(
        round=desk.round_number,
        kinds=Counter(item.shown_kind for item in waiting),
        progress=desk.progress(),
    )


@router.get("/items", responses=problems(*ON_READ))
def items(
    room: InRoom, visitor: ByVisitor, limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 200
) -> Listing:
    """The first of what waits, with what the reader has done already."""
    desk = room.desk_of()
    if desk is None:
        return Listing(items=())
    listed = desk.listing(visitor.reader, limit)
    return Listing(items=tuple(ListedRow.of(one) for one in listed))


@router.get("/stats", responses=problems(*ON_READ, 409))
def stats(desk: AtDesk, visitor: ByVisitor) -> ReviewStats:
    """Progress and one's own figures; adjudicators see everybody's."""
    return desk.stats(visitor.reader)
