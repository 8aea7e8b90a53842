"""What a reader does, as a line of the review log."""

from __future__ import annotations

from datetime import UTC, datetime

from scalemai_core.records.answer import Answer
from scalemai_core.records.lease import Lease
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import Verdict
from scalemai_core.records.review_entry import Act, ReviewEntry
from scalemai_core.review.queue.rows import UNDO


def answer_entry(
    lease: Lease, reader: Reader, answer: Answer, label_map: str | None, words: str
) -> ReviewEntry:
    """An answer, with the chosen mask's label map and what was done in words."""
    item, now = lease.item, datetime.now(UTC)
    verdict = Verdict(
        item_id=item.item_id,
        round=item.round,
        scan_id=item.scan_id,
        structure=item.structure,
        reader=reader.name,
        choice=answer.choice,
        label_map=label_map,
        base_label_map=item.base_label_map,
        seconds=answer.seconds,
        created=now,
    )
    said = "; ".join(part for part in (words, answer.note) if part)
    entry = _entry(lease, reader, Act.ANSWER, answer.seconds, said)
    return entry.model_copy(update={"verdict": verdict, "created": now})


def skip_entry(lease: Lease, reader: Reader, seconds: float, reason: str) -> ReviewEntry:
    """An item passed on."""
    return _entry(lease, reader, Act.SKIP, seconds, reason)


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


def _entry(lease: Lease, reader: Reader, act: Act, seconds: float, reason: str) -> ReviewEntry:
    return ReviewEntry(
        entry_id=lease.lease_id,
        act=act,
        round=lease.item.round,
        item_id=lease.item.item_id,
        reader=reader.name,
        role=reader.role,
        created=datetime.now(UTC),
        seconds=seconds,
        reason=reason,
    )
