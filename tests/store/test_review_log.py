"""What people did is kept, counted once, and closed for good."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scalemai_core.records.review_entry import Act, ReviewEntry
from scalemai_core.store.documents.review_log import ReviewClosedError, ReviewLog
from scalemai_core.store.files import Files

START = datetime(2026, 5, 4, tzinfo=UTC)


def skip(number: int) -> ReviewEntry:
    return ReviewEntry(
        entry_id=f"skip-{number:03d}",
        act=Act.SKIP,
        round=1,
        item_id=f"item-{number}",
        reader="dr. example",
        created=START + timedelta(seconds=number),
        reason="motion",
    )


@pytest.fixture
def log(tmp_path: Path) -> ReviewLog:
    return ReviewLog(Files(str(tmp_path)), 1)


def test_acts_come_back_in_the_order_in_which_they_were_done(log: ReviewLog) -> None:
    for number in (5, 1, 3):
        log.append(f"document-{9 - number}", [skip(number), skip(number + 10)])
    assert [one.item_id for one in log.read()] == [
        f"item-{number}" for number in (1, 3, 5, 11, 13, 15)
    ]
    assert log.entry("document-8") == skip(1)
    assert log.has("document-8")
    assert not log.has("document-1")


def test_the_same_document_again_counts_once(log: ReviewLog) -> None:
    log.append("one", [skip(1)])
    log.append("one", [skip(1)])
    assert log.read() == (skip(1),)


def test_many_write_at_once_and_nothing_is_lost(log: ReviewLog) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: log.append(f"by-{number}", [skip(number)]), range(200)))
    assert log.read() == tuple(skip(number) for number in range(200))


def test_nothing_is_taken_after_the_end_and_the_end_is_the_same_after_a_crash(
    tmp_path: Path, log: ReviewLog
) -> None:
    log.append("one", [skip(1)])
    assert not log.closed
    assert log.close() == (skip(1),)
    with pytest.raises(ReviewClosedError, match="review of round 1 is closed"):
        log.append("two", [skip(2)])
    assert log.closed
    assert log.read() == (skip(1),)
    assert ReviewLog(Files(str(tmp_path)), 1).close() == (skip(1),)


def test_a_crash_between_closing_and_gathering_is_made_good(tmp_path: Path, log: ReviewLog) -> None:
    log.append("one", [skip(1)])
    Files(str(tmp_path)).write_bytes("rounds/1/review.closing", b"")
    with pytest.raises(ReviewClosedError):
        log.append("two", [skip(2)])
    assert [one.item_id for one in log.close()] == ["item-1", "item-2"], "told to be late, but kept"
    assert log.close() == log.read()


def test_a_round_nobody_worked_on_has_an_empty_log(log: ReviewLog) -> None:
    assert log.read() == ()
    assert log.close() == ()
