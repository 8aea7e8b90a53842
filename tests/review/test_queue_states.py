"""Any course of events: no read is held or answered twice, and the log alone rebuilds the queue."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from made_up_items import ANNA, BEN, CLARA, JUDITH, answer_under, item, skip, undo

from scalemai_core.errors import LeaseLostError, UsageError
from scalemai_core.records.decision import Candidate
from scalemai_core.records.lease import Lease
from scalemai_core.records.reader import Reader
from scalemai_core.records.review_entry import Act, ReviewEntry
from scalemai_core.review.queue.queue import Queue
from scalemai_core.review.ruling import rulings

READERS = st.sampled_from([ANNA, BEN, CLARA, JUDITH])
ITEMS = (item("liver", 0.9, reads=2), item("spleen", 0.5), item("aorta", 0.1, reads=2))


class Review(RuleBasedStateMachine):
    """Readers at work on one queue, whose servers die now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.queue = self.empty("queue")
        self.queue.fill(ITEMS, ())
        self.log: list[ReviewEntry] = []
        self.leases: list[tuple[Reader, Lease]] = []
        self.minute = 0
        self.now = datetime.now(UTC)

    def empty(self, name: str) -> Queue:
        return Queue(f"sqlite:///{Path(self.folder.name) / name}.db", storing_seconds=-1.0)

    def teardown(self) -> None:
        self.queue.close()
        self.folder.cleanup()

    @rule(reader=READERS, count=st.integers(1, 3))
    def take(self, reader: Reader, count: int) -> None:
        held = self.queue.lease(reader, round_number=1, count=count, seconds=1e6, now=self.now)
        mine = {one.item.item_id for one in held}
        assert len(mine) == len(held)
        self.leases = [(r, one) for r, one in self.leases if r != reader]
        self.leases += [(reader, one) for one in held]

    @rule()
    def all_leases_run_out(self) -> None:
        self.now += timedelta(seconds=2e6)

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), choice=st.sampled_from([Candidate.CURRENT, Candidate.PREDICTION]))
    def answer(self, data: st.DataObject, choice: Candidate) -> None:
        reader, lease = data.draw(st.sampled_from(self.leases))
        if self.begin(reader, lease):
            self.append(answer_under(lease, reader, choice, minute=self.minute))

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def skip(self, data: st.DataObject) -> None:
        reader, lease = data.draw(st.sampled_from(self.leases))
        if self.begin(reader, lease):
            self.append(skip(lease, reader, "unsure", self.minute))

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), stored=st.booleans())
    def server_dies_while_storing(self, data: st.DataObject, stored: bool) -> None:  # noqa: FBT001
        reader, lease = data.draw(st.sampled_from(self.leases))
        if self.begin(reader, lease) and stored:
            self.minute += 1
            self.log.append(answer_under(lease, reader, minute=self.minute))

    @rule(reader=READERS, stored=st.booleans(), dies=st.booleans())
    def undo(self, reader: Reader, stored: bool, dies: bool) -> None:  # noqa: FBT001
        try:
            answered = self.queue.begin_undo(reader.name, round_number=1, depth=3)
        except UsageError:
            return
        self.minute += 1
        if stored or not dies:
            self.log.append(undo(answered, self.minute))
        if not dies:
            self.queue.record(self.log[-1])

    @rule()
    def reconcile(self) -> None:
        there = {entry.entry_id: entry for entry in self.log}
        for doubt in self.queue.in_doubt(1):
            if doubt.lease_id in there:
                self.queue.record(there[doubt.lease_id])
            else:
                self.queue.free(doubt)
        assert self.queue.in_doubt(1) == ()
        assert {e.entry_id for e in self.queue.entries(1)} == set(there)

    @rule()
    def rebuild(self) -> None:
        self.reconcile()
        anew = self.empty(f"anew-{self.minute}-{len(self.log)}")
        for _ in range(2):
            anew.fill(ITEMS, self.log)
        assert anew.counts(1) == self.queue.counts(1)
        assert anew.open_items(1) == self.queue.open_items(1)
        assert anew.entries(1) == self.queue.entries(1)
        found = {name: one.status.value for name, one in rulings(ITEMS, self.log).items()}
        for reader in (ANNA, JUDITH):
            listed = {one.item.item_id: one.status.value for one in anew.listing(1, reader, 9)}
            assert all((found[n] == "decided") <= (s == "decided") for n, s in listed.items())
        anew.close()

    @invariant()
    def nobody_reads_an_item_twice(self) -> None:
        undone = {entry.undoes for entry in self.log}
        standing = [e for e in self.log if e.act is Act.ANSWER and e.entry_id not in undone]
        reads = [(e.item_id, e.reader) for e in standing]
        assert len(reads) == len(set(reads))
        for asked in ITEMS:
            places = asked.reads + (asked.reads > 1)
            assert sum(e.item_id == asked.item_id for e in standing) <= places

    def begin(self, reader: Reader, lease: Lease) -> bool:
        self.minute += 1
        try:
            self.queue.begin(lease)
        except LeaseLostError:
            return False
        return True

    def append(self, entry: ReviewEntry) -> None:
        self.log.append(entry)
        self.queue.record(entry)


Review.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestReview = Review.TestCase
