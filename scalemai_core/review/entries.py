"""What a reader does, as a line of the review log."""

from __future__ import annotations

from datetime import UTC, datetime

from scalemai_core.records.answer import Answer
from scalemai_core.records.decision import Candidate
from scalemai_core.records.lease import Lease
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import ReviewItem, Verdict
from scalemai_core.records.review_entry import Act, ReviewEntry
from scalemai_core.review.queue.rows import UNDO


def answer_entry(
    lease: Lease, reader: Reader, answer: Answer, label_map: str | None, words: str
) -> ReviewEntry:
    """An answer, with the chosen mask's label map and what was done in words."""
    verdict = verdict_on(lease.item, reader, answer.choice, label_map, answer.seconds)
    said = "; ".join(part for part in (words, answer.note) if part)
    return entry_of(verdict, lease.lease_id, reader, said)


def verdict_on(
    item: ReviewItem, reader: Reader, choice: Candidate, label_map: str | None, seconds: float
) -> Verdict:
    """What a reader says of an item, now."""
    return Verdict(
        item_id=item.item_id,
        round=item.round,
        scan_id=item.scan_id,
        structure=item.structure,
        reader=reader.name,
        choice=choice,
        label_map=label_map,
        base_label_map=item.base_label_map,
        seconds=seconds,
        created=datetime.now(UTC),
    )


def entry_of(verdict: Verdict, entry_id: str, reader: Reader, reason: str = "") -> ReviewEntry:
    """An answer as a line of the log."""
    return ReviewEntry(
        entry_id=entry_id,
        act=Act.ANSWER,
        round=verdict.round,
        item_id=verdict.item_id,
        reader=reader.name,
        role=reader.role,
        created=verdict.created,
        seconds=verdict.seconds,
        reason=reason,
        verdict=verdict,
    )


def skip_entry(lease: Lease, reader: Reader, seconds: float, reason: str) -> ReviewEntry:
    """An item passed on."""
    return ReviewEntry(
        entry_id=lease.lease_id,
        act=Act.SKIP,
        round=lease.item.round,
        item_id=lease.item.item_id,
        reader=reader.name,
        role=reader.role,
        created=datetime.now(UTC),
        seconds=seconds,
        reason=reason,
    )


def undo_entry(answer: ReviewEntry, reader: Reader) -> ReviewEntry:
    """An answer taken back."""
    return ReviewEntry(
        entry_id=f"{UNDO}{answer.entry_id}",
        act=Act.UNDO,
        round=answer.round,
        item_id=answer.item_id,
        reader=reader.name,
        role=reader.role,
        created=datetime.now(UTC),
        undoes=answer.entry_id,
    )
