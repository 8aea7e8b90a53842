"""Items, readers and entries for the tests of the review."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from scalemai_core.records.decision import Candidate
from scalemai_core.records.lease import Lease
from scalemai_core.records.reader import Reader, Role
from scalemai_core.records.review import ItemKind, ReviewItem, Verdict
from scalemai_core.records.review_entry import Act, ReviewEntry

ANNA, BEN, CLARA = Reader(name="anna"), Reader(name="ben"), Reader(name="clara")
JUDITH = Reader(name="judith", role=Role.ADJUDICATOR)
START = datetime(2026, 1, 1, tzinfo=UTC)


def item(name: str, priority: float = 0.5, number: int = 1, **more: Any) -> ReviewItem:
    values: dict[str, Any] = {
        "item_id": f"{number}-{name}",
        "round": number,
        "kind": ItemKind.CHOOSE,
        "scan_id": "scan",
        "structure": name,
        "priority": priority,
        "reason": "because",
        "base_label_map": "map",
        "prediction": "model",
    }
    return ReviewItem.model_validate(values | more)


def answer(
    asked: ReviewItem,
    reader: Reader,
    choice: Candidate = Candidate.CURRENT,
    *,
    entry_id: str | None = None,
    minute: float = 0.0,
    label_map: str | None = None,
) -> ReviewEntry:
    created = START + timedelta(minutes=minute)
    verdict = Verdict(
        item_id=asked.item_id,
        round=asked.round,
        scan_id=asked.scan_id,
        structure=asked.structure,
        reader=reader.name,
        choice=choice,
        label_map=label_map,
        base_label_map=asked.base_label_map,
        seconds=4.0,
        created=created,
    )
    return ReviewEntry(
        entry_id=entry_id or f"{asked.item_id}-{reader.name}-{minute}",
        act=Act.ANSWER,
        round=asked.round,
        item_id=asked.item_id,
        reader=reader.name,
        role=reader.role,
        created=created,
        seconds=4.0,
        verdict=verdict,
    )


def answer_under(
    lease: Lease, reader: Reader, choice: Candidate = Candidate.CURRENT, minute: float = 0.0
) -> ReviewEntry:
    return answer(lease.item, reader, choice, entry_id=lease.lease_id, minute=minute)


def undo(answered: ReviewEntry, minute: float) -> ReviewEntry:
    return ReviewEntry(
        entry_id=f"undo-{answered.entry_id}",
        act=Act.UNDO,
        round=answered.round,
        item_id=answered.item_id,
        reader=answered.reader,
        role=answered.role,
        created=START + timedelta(minutes=minute),
        undoes=answered.entry_id,
    )


def skip(lease: Lease, reader: Reader, reason: str, minute: float = 0.0) -> ReviewEntry:
    return ReviewEntry(
        entry_id=lease.lease_id,
        act=Act.SKIP,
        round=lease.item.round,
        item_id=lease.item.item_id,
        reader=reader.name,
        role=reader.role,
        created=START + timedelta(minutes=minute),
        seconds=2.0,
        reason=reason,
    )
