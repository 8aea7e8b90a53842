"""Where items stand: lists and counts, nothing changed."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, Row, and_, case, func, select

from scalemai_core.records.listed_item import ItemStatus, ListedItem
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import ReviewItem
from scalemai_core.records.review_entry import Act, ReviewEntry
from scalemai_core.records.review_stats import Progress
from scalemai_core.review.queue.rows import item_of
from scalemai_core.review.queue.tables import ReadState, acts, items, reads

PACE = 20
"""Answers from which the pace is taken."""


def items_of(
    connection: Connection, round_number: int, statuses: tuple[ItemStatus, ...]
) -> tuple[ReviewItem, ...]:
    """The round's items of these statuses, most valuable first."""
    wanted = (
        select(items.c.document)
        .where(items.c.round == round_number, items.c.status.in_([s.value for s in statuses]))
        .order_by(items.c.priority.desc(), items.c.item_id)
    )
    return tuple(item_of(document) for document in connection.scalars(wanted))


def counts(connection: Connection, round_number: int | None) -> dict[str, int]:
    """Items by status."""
    grouped = select(items.c.status, func.count().label("number")).group_by(items.c.status)
    if round_number is not None:
        grouped = grouped.where(items.c.round == round_number)
    found = {row.status: int(row.number) for row in connection.execute(grouped)}
    statuses = (ItemStatus.OPEN, ItemStatus.DISPUTED, ItemStatus.DECIDED)
    return {status.value: found.get(status.value, 0) for status in statuses}


def progress(connection: Connection, round_number: int, now: float) -> Progress:
    """How far a round is, and how long it takes one person yet."""
    found = counts(connection, round_number)
    total = sum(found.values())
    decided = found[ItemStatus.DECIDED.value]
    held = and_(
        reads.c.round == round_number,
        reads.c.state.in_([ReadState.LEASED.value, ReadState.WRITING.value]),
        reads.c.expires > now,
    )
    leased = connection.scalar(select(func.count(reads.c.item_id.distinct())).where(held)) or 0
    last = (
        select(acts.c.seconds)
        .where(acts.c.round == round_number, acts.c.act == Act.ANSWER.value)
        .order_by(acts.c.number.desc())
        .limit(PACE)
    )
    pace = list(connection.scalars(last))
    return Progress(
        open=found[ItemStatus.OPEN.value],
        leased=leased,
        disputed=found[ItemStatus.DISPUTED.value],
        decided=decided,
        total=total,
        share=decided / total if total else 1.0,
        minutes_left=_reads_left(connection, round_number) * statistics.fmean(pace) / 60
        if pace
        else None,
    )


def listing(
    connection: Connection, round_number: int, reader: Reader, limit: int
) -> tuple[ListedItem, ...]:
    """What is left to do first, most valuable first, as this reader may know it."""
    own = and_(reads.c.item_id == items.c.item_id, reads.c.reader == reader.name)
    wanted = (
        select(items, reads.c.state)
        .outerjoin(reads, own)
        .where(items.c.round == round_number)
        .order_by(
            case((items.c.status == ItemStatus.DECIDED.value, 1), else_=0),
            items.c.priority.desc(),
            items.c.item_id,
        )
        .limit(limit)
    )
    rows = connection.execute(wanted).all()
    reasons = skip_reasons(connection, [row.item_id for row in rows])
    return tuple(
        ListedItem(
            item=item_of(row.document),
            status=_status(row, reader),
            skipped=tuple(reasons[row.item_id]),
        )
        for row in rows
    )


def skip_reasons(connection: Connection, item_ids: list[str]) -> defaultdict[str, list[str]]:
    """Why items were passed on, oldest first."""
    skips = (
        select(acts.c.item_id, acts.c.reason)
        .where(acts.c.act == Act.SKIP.value, acts.c.item_id.in_(item_ids))
        .order_by(acts.c.number)
    )
    found: defaultdict[str, list[str]] = defaultdict(list)
    for item_id, reason in connection.execute(skips):
        found[item_id].append(reason)
    return found


def entries(connection: Connection, round_number: int) -> tuple[ReviewEntry, ...]:
    """What the workspace's log says of a round, as far as the queue knows."""
    wanted = (
        select(acts.c.document)
        .where(acts.c.round == round_number, acts.c.document.is_not(None))
        .order_by(acts.c.created, acts.c.entry_id)
    )
    return tuple(ReviewEntry.model_validate_json(one) for one in connection.scalars(wanted))


def _status(row: Row[Any], reader: Reader) -> ItemStatus:
    """Blinded: to somebody who has answered it, an item looks decided whatever comes of it."""
    status = ItemStatus(row.status)
    if status is ItemStatus.DECIDED:
        return status
    if row.state == ReadState.LEASED.value:
        return ItemStatus.MINE
    theirs = status is ItemStatus.DISPUTED and not reader.adjudicates
    if row.state is not None or theirs:
        return ItemStatus.DECIDED
    return ItemStatus.LEASED if row.taken >= row.places else status


def _reads_left(connection: Connection, round_number: int) -> int:
    """Answers that are missing."""
    unfinished = and_(items.c.round == round_number, items.c.status != ItemStatus.DECIDED.value)
    given = (
        select(func.count())
        .select_from(reads)
        .join(items, items.c.item_id == reads.c.item_id)
        .where(unfinished, reads.c.state == ReadState.ANSWERED.value)
    )
    places = connection.scalar(select(func.sum(items.c.places)).where(unfinished)) or 0
    return int(places) - int(connection.scalar(given) or 0)
