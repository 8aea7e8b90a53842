"""The review queue: filled from the workspace, leased by value, the same on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from made_up_items import ANNA, BEN, CLARA, JUDITH, answer, answer_under, item, skip, undo
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from scalemai_core.errors import LeaseLostError, UsageError
from scalemai_core.records.decision import Candidate
from scalemai_core.records.lease import Lease
from scalemai_core.records.listed_item import ItemStatus
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import ItemKind
from scalemai_core.review.queue.database import VERSION_TABLE, Database
from scalemai_core.review.queue.queue import Queue
from scalemai_core.review.queue.tables import metadata
from scalemai_core.review.web.sessions import metadata as sessions_metadata

ITEMS = (item("liver", 0.2), item("spleen", 0.9), item("aorta", 0.5))
CURRENT, PREDICTION = Candidate.CURRENT, Candidate.PREDICTION


@pytest.fixture
def queue(database: str) -> Queue:
    return Queue(database)


def lease(queue: Queue, reader: Reader, count: int = 1, seconds: float = 60.0) -> tuple[Lease, ...]:
    return queue.lease(reader, round_number=1, count=count, seconds=seconds)


def names(leases: tuple[Lease, ...]) -> list[str]:
    return [one.item.structure for one in leases]


def test_items_come_back_whole_and_most_valuable_first(queue: Queue) -> None:
    queue.fill(ITEMS, ())
    assert queue.open_items(1) == (ITEMS[1], ITEMS[2], ITEMS[0])
    assert queue.counts() == {"open": 3, "disputed": 0, "decided": 0}


def test_equal_priorities_keep_a_fixed_order(queue: Queue) -> None:
    queue.fill([item("b", 0.5), item("a", 0.5)], ())
    assert [i.structure for i in queue.open_items(1)] == ["a", "b"]


def test_filling_it_twice_changes_nothing(database: str) -> None:
    entries = [answer(ITEMS[0], ANNA)]
    for _ in range(2):
        Queue(database).fill(ITEMS, entries)
    assert Queue(database).counts(1) == {"open": 2, "disputed": 0, "decided": 1}
    assert Queue(database).entries(1) == tuple(entries)


def test_answers_that_came_while_the_queue_stood_close_their_items(queue: Queue) -> None:
    queue.fill(ITEMS, ())
    held = lease(queue, BEN)[0]
    queue.fill(ITEMS, [answer(one, ANNA) for one in ITEMS])
    assert queue.open_items(1) == ()
    with pytest.raises(LeaseLostError):
        queue.begin(held)


def test_rounds_do_not_mix(queue: Queue) -> None:
    queue.fill([*ITEMS, item("liver", 0.1, number=2)], ())
    assert [i.item_id for i in queue.open_items(2)] == ["2-liver"]
    assert len(lease(queue, ANNA, count=9)) == 3


def test_no_two_readers_hold_one_item(queue: Queue) -> None:
    queue.fill(ITEMS, ())
    assert names(lease(queue, ANNA, 2)) == ["spleen", "aorta"]
    assert names(lease(queue, BEN, 2)) == ["liver"]
    assert lease(queue, CLARA) == ()


def test_a_page_loaded_again_goes_on_with_what_it_held(queue: Queue) -> None:
    queue.fill(ITEMS, ())
    first = lease(queue, ANNA, 2)
    again = lease(queue, ANNA, 3, seconds=600.0)
    assert [one.lease_id for one in again[:2]] == [one.lease_id for one in first]
    assert names(again) == ["spleen", "aorta", "liver"]
    assert again[0].expires > first[0].expires


def test_an_expired_lease_goes_to_somebody_else(queue: Queue) -> None:
    queue.fill(ITEMS[:1], ())
    late = lease(queue, ANNA)[0]
    later = datetime.now(UTC) + timedelta(seconds=61)
    taken = queue.lease(BEN, round_number=1, count=1, seconds=60.0, now=later)
    assert names(taken) == ["liver"]
    with pytest.raises(LeaseLostError, match="not held for you any more"):
        queue.begin(late)


def test_an_answer_after_the_lease_ran_out_is_refused(queue: Queue) -> None:
    queue.fill(ITEMS[:1], ())
    late = lease(queue, ANNA, seconds=-1.0)[0]
    with pytest.raises(LeaseLostError, match="for too long"):
        queue.begin(late)


def test_leases_can_be_kept_longer_and_given_back_by_their_holder_only(queue: Queue) -> None:
    queue.fill(ITEMS[:1], ())
    held = lease(queue, ANNA)[0]
    assert queue.renew("anna", held.lease_id, 900.0).expires > held.expires
    with pytest.raises(LeaseLostError):
        queue.release("ben", held.lease_id)
    queue.release("anna", held.lease_id)
    assert names(lease(queue, BEN)) == ["liver"]


def test_what_is_held_for_days_is_not_held_shorter_because_a_page_shows_it(queue: Queue) -> None:
    queue.fill([item("liver")], ())
    (held,) = lease(queue, ANNA, seconds=14 * 86400.0)
    assert queue.renew("anna", held.lease_id, 600.0).expires == held.expires


def test_kinds_are_as_readers_are_told_them(queue: Queue) -> None:
    pot = item("liver", kind=ItemKind.HONEYPOT, expected=CURRENT)
    edit = item("spleen", kind=ItemKind.EDIT)
    queue.fill([pot, edit], ())
    kinds = frozenset({ItemKind.CHOOSE})
    held = queue.lease(ANNA, round_number=1, count=5, seconds=60.0, kinds=kinds)
    assert names(held) == ["liver"]


def test_a_reader_never_gets_both_reads_of_an_item(queue: Queue) -> None:
    queue.fill([item("liver", reads=2)], ())
    first = lease(queue, ANNA)[0]
    queue.begin(first)
    assert queue.record(answer_under(first, ANNA)) is ItemStatus.OPEN
    assert lease(queue, ANNA) == ()
    second = lease(queue, BEN)[0]
    assert {first.slot, second.slot} == {0, 1}
    queue.begin(second)
    assert queue.record(answer_under(second, BEN, minute=1)) is ItemStatus.DECIDED


def test_a_dispute_goes_to_somebody_who_adjudicates_and_has_not_read_it(queue: Queue) -> None:
    queue.fill([item("liver", reads=2)], ())
    for number, (reader, choice) in enumerate(((ANNA, CURRENT), (BEN, PREDICTION))):
        held = lease(queue, reader)[0]
        queue.begin(held)
        queue.record(answer_under(held, reader, choice, minute=number))
    assert queue.counts(1)["disputed"] == 1
    assert lease(queue, CLARA) == ()
    third = lease(queue, JUDITH)[0]
    assert third.slot == 2
    queue.begin(third)
    assert queue.record(answer_under(third, JUDITH, minute=2)) is ItemStatus.DECIDED
    with pytest.raises(UsageError, match="cannot be undone"):
        queue.begin_undo("anna", round_number=1, depth=10)


def test_a_dispute_with_a_late_third_answer_still_has_a_place_for_who_decides(queue: Queue) -> None:
    asked = item("liver", reads=2)
    queue.fill([asked], [answer(asked, ANNA, minute=1), answer(asked, BEN, PREDICTION, minute=2)])
    queue.record(answer(asked, CLARA, minute=3))  # of a server that was taken for dead
    (deciding,) = lease(queue, JUDITH)
    assert queue.record(answer_under(deciding, JUDITH, minute=4)) is ItemStatus.DECIDED


def test_a_skipped_item_does_not_come_back_and_its_reasons_are_listed(queue: Queue) -> None:
    queue.fill(ITEMS[:1], ())
    for reader in (ANNA, BEN):
        held = lease(queue, reader)[0]
        queue.begin(held)
        assert queue.record(skip(held, reader, f"{reader.name} is unsure")) is ItemStatus.OPEN
        assert lease(queue, reader) == ()
    (listed,) = queue.listing(1, CLARA, 10)
    assert listed.status is ItemStatus.OPEN
    assert listed.skipped == ("anna is unsure", "ben is unsure")
    assert names(lease(queue, CLARA)) == ["liver"]


def test_an_undone_answer_puts_its_item_before_its_reader_again(queue: Queue) -> None:
    queue.fill(ITEMS[:2], ())
    answered = []
    for minute in range(2):
        held = lease(queue, ANNA)[0]
        queue.begin(held)
        answered.append(answer_under(held, ANNA, minute=minute))
        queue.record(answered[-1])
    for minute, entry in ((2, answered[1]), (3, answered[0])):
        assert queue.begin_undo("anna", round_number=1, depth=2) == entry
        assert queue.record(undo(entry, minute)) is ItemStatus.OPEN
        assert queue.held_item("anna", entry.item_id).lease_id != entry.entry_id
    with pytest.raises(UsageError, match="no answer that can still be taken back"):
        queue.begin_undo("anna", round_number=1, depth=2)
    assert lease(queue, BEN) == ()


def test_an_undo_after_a_dispute_takes_it_from_the_adjudicator(queue: Queue) -> None:
    queue.fill([item("liver", reads=2)], ())
    for number, (reader, choice) in enumerate(((ANNA, CURRENT), (BEN, PREDICTION))):
        held = lease(queue, reader)[0]
        queue.begin(held)
        queue.record(answer_under(held, reader, choice, minute=number))
    disputed = lease(queue, JUDITH)[0]
    undone = queue.begin_undo("anna", round_number=1, depth=10)
    assert queue.record(undo(undone, 3)) is ItemStatus.OPEN
    with pytest.raises(LeaseLostError):
        queue.begin(disputed)


def test_an_undo_waits_while_the_adjudicator_decides(queue: Queue) -> None:
    queue.fill([item("liver", reads=2)], ())
    for number, (reader, choice) in enumerate(((ANNA, CURRENT), (BEN, PREDICTION))):
        held = lease(queue, reader)[0]
        queue.begin(held)
        queue.record(answer_under(held, reader, choice, minute=number))
    queue.begin(lease(queue, JUDITH)[0])
    with pytest.raises(UsageError, match="cannot be undone"):
        queue.begin_undo("anna", round_number=1, depth=10)


def test_what_was_being_stored_is_in_doubt_and_given_to_nobody(database: str) -> None:
    queue = Queue(database, storing_seconds=0.0)
    queue.fill(ITEMS[:1], ())
    held = lease(queue, ANNA)[0]
    queue.begin(held)
    assert lease(queue, BEN) == ()
    assert [one.lease_id for one in queue.in_doubt(1)] == [held.lease_id]
    queue.free(queue.in_doubt(1)[0])
    assert queue.in_doubt(1) == ()
    assert names(lease(queue, BEN)) == ["liver"]


def test_an_undo_in_doubt_leaves_the_answer_where_it_was(database: str) -> None:
    queue = Queue(database, storing_seconds=0.0)
    queue.fill(ITEMS[:1], ())
    held = lease(queue, ANNA)[0]
    queue.begin(held)
    queue.record(answer_under(held, ANNA))
    queue.begin_undo("anna", round_number=1, depth=1)
    (doubt,) = queue.in_doubt(1)
    assert doubt.lease_id == f"undo-{held.lease_id}"
    queue.free(doubt)
    assert queue.counts(1)["decided"] == 1
    assert queue.begin_undo("anna", round_number=1, depth=1).entry_id == held.lease_id


def test_an_answer_that_comes_late_still_counts_and_takes_the_item_away(queue: Queue) -> None:
    queue.fill(ITEMS[:1], ())
    slow = lease(queue, ANNA)[0]
    queue.begin(slow)
    queue.free(slow)
    other = lease(queue, BEN)[0]
    assert queue.record(answer_under(slow, ANNA)) is ItemStatus.DECIDED
    with pytest.raises(LeaseLostError):
        queue.begin(other)


def test_a_lease_is_answered_once_however_often_it_is_sent(queue: Queue) -> None:
    queue.fill([item("liver", reads=2)], ())
    held = lease(queue, ANNA)[0]
    queue.begin(held)
    with pytest.raises(LeaseLostError, match="being stored"):
        queue.begin(held)
    for _ in range(2):
        assert queue.record(answer_under(held, ANNA)) is ItemStatus.OPEN
    assert len(queue.entries(1)) == 1
    with pytest.raises(LeaseLostError, match="answered already"):
        queue.begin(held)


def test_the_end_is_announced_once_and_again_after_an_undo(queue: Queue) -> None:
    queue.fill(ITEMS[:1], ())
    assert not queue.announce_end(1)
    held = lease(queue, ANNA)[0]
    queue.begin(held)
    entry = answer_under(held, ANNA)
    queue.record(entry)
    assert [queue.announce_end(1) for _ in range(3)] == [True, False, False]
    queue.begin_undo("anna", round_number=1, depth=1)
    queue.record(undo(entry, 1))
    assert not queue.announce_end(1)
    again = queue.held_item("anna", entry.item_id)
    queue.begin(again)
    queue.record(answer_under(again, ANNA, minute=2))
    assert queue.announce_end(1)


def test_many_threads_at_once_never_hold_one_read_twice(queue: Queue) -> None:
    queue.fill([item(f"s{n}", priority=n / 40, reads=1 + n % 2) for n in range(40)], ())
    start = threading.Barrier(8)

    def grab(number: int) -> set[str]:
        start.wait()
        reader = Reader(name=f"r{number % 4}")  # two windows a reader
        held: dict[str, Lease] = {}
        for _ in range(6):
            held |= {one.lease_id: one for one in lease(queue, reader, len(held) + 3)}
        return set(held)

    with ThreadPoolExecutor(8) as pool:
        windows = list(pool.map(grab, range(8)))
    # Under contention an item may be passed over; nobody is in the way any more now.
    final = [lease(queue, Reader(name=f"r{n}"), 100) for n in range(4)]
    for n, own in enumerate(final):
        assert windows[n] | windows[n + 4] <= {one.lease_id for one in own}
        assert len(own) == len({one.item.item_id for one in own})
    reads = [(one.item.item_id, one.slot) for own in final for one in own]
    assert len(reads) == len(set(reads)) == 60


def test_every_act_is_kept_with_its_seconds_and_none_can_be_changed(
    queue: Queue, database: str
) -> None:
    queue.fill(ITEMS[:1], ())
    held = lease(queue, ANNA)[0]
    queue.refuse(held, "the mask was changed", 3.5)
    queue.begin(held)
    queue.record(skip(held, ANNA, "unsure"))
    opened = Database(database)
    with opened.reading() as connection:
        rows = connection.execute(text("SELECT act, seconds FROM review_acts ORDER BY number"))
        assert [tuple(row) for row in rows] == [("lease", 0.0), ("refused", 3.5), ("skip", 2.0)]
    for change in ("UPDATE review_acts SET seconds = 0", "DELETE FROM review_acts"):
        with pytest.raises(DBAPIError, match="only ever added to"), opened.writing() as connection:
            connection.execute(text(change))


def test_progress_tells_what_is_left_at_the_last_pace(queue: Queue) -> None:
    queue.fill([*ITEMS, item("kidney", reads=2)], ())
    assert queue.progress(1).minutes_left is None
    held = lease(queue, ANNA)[0]
    queue.begin(held)
    queue.record(answer_under(held, ANNA))
    lease(queue, ANNA)
    found = queue.progress(1)
    assert (found.open, found.leased, found.decided, found.total) == (3, 1, 1, 4)
    assert found.minutes_left == pytest.approx(4 * 4.0 / 60)


def test_the_list_tells_a_reader_no_more_than_they_may_know(queue: Queue) -> None:
    queue.fill([item("liver", 0.9, reads=2), item("spleen", 0.5), item("aorta", 0.1)], ())
    for number, (reader, choice) in enumerate(((ANNA, CURRENT), (BEN, PREDICTION))):
        held = lease(queue, reader)[0]
        queue.begin(held)
        queue.record(answer_under(held, reader, choice, minute=number))
    lease(queue, CLARA)
    status = {
        reader.name: [one.status.value for one in queue.listing(1, reader, 10)]
        for reader in (ANNA, CLARA, JUDITH)
    }
    assert status["anna"] == ["decided", "leased", "open"]
    assert status["clara"] == ["decided", "mine", "open"]
    assert status["judith"] == ["disputed", "leased", "open"]


def test_tokens_are_known_by_their_hash_until_they_are_revoked(queue: Queue) -> None:
    queue.add_reader(ANNA, "hash-1")
    queue.add_reader(JUDITH, "hash-2")
    queue.add_reader(ANNA, "hash-3")
    assert queue.reader_of("hash-1") is None
    assert queue.reader_of("hash-3") == ANNA
    assert queue.people() == (ANNA, JUDITH)
    queue.revoke("anna")
    assert queue.reader_of("hash-3") is None
    assert queue.people() == (JUDITH,)
    with pytest.raises(UsageError, match="nobody named 'nemo'"):
        queue.revoke("nemo")


def test_the_migrations_make_what_the_code_reads(database: str) -> None:
    opened = Database(database)
    with opened.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, [metadata, sessions_metadata]) == []


def test_many_processes_may_open_a_new_queue_at_once(database: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        queues = list(pool.map(lambda _: Queue(database), range(6)))
    queues[0].fill(ITEMS, ())
    assert queues[5].counts(1)["open"] == 3


def test_a_queue_of_the_time_before_migrations_is_made_anew(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    old = ["item_id", "round", "kind", "scan_id", "structure", "priority", "reason", "status"]
    with create_engine(url).begin() as connection:
        connection.execute(text(f"CREATE TABLE items ({', '.join(old)})"))
    queue = Queue(url)
    queue.fill(ITEMS, ())
    assert queue.counts(1)["open"] == 3
    with create_engine(url).connect() as connection:
        found = connection.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = 'items'"))
    assert found == 0


def test_a_queue_of_newer_code_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'queue.db'}"
    Queue(url)
    with create_engine(url).begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(UsageError, match=r"check review\.database"):
        Queue(url)


@pytest.mark.parametrize(
    "address",
    ["nonsense", "sqlite:////no/such/folder/queue.db", "postgresql://x:secret@127.0.0.1:1/x"],
)
def test_a_database_that_cannot_be_opened_is_named(address: str) -> None:
    with pytest.raises(UsageError, match=r"check review\.database") as caught:
        Queue(address)
    assert "secret" not in str(caught.value)
