"""Who is asked what: the items of a round, held by one reader at a time until they are answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.exc import IntegrityError

from scalemai_core.errors import UsageError
from scalemai_core.records.lease import Lease
from scalemai_core.records.listed_item import ItemStatus, ListedItem
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.records.review_entry import ReviewEntry
from scalemai_core.records.review_stats import Progress
from scalemai_core.review.queue import filling, leasing, people, standing, storing
from scalemai_core.review.queue.applying import apply
from scalemai_core.review.queue.database import Database
from scalemai_core.review.queue.rows import add_act, lease_of, read_item
from scalemai_core.review.queue.tables import acts, reads

STORING_SECONDS = 60.0
"""Longer than storing one small document ever takes."""
TRIES = 5
"""Of a transaction that another one of the same reader got in the way of."""


class Queue:
    """Open questions, worked from the highest priority down; one for all servers of a team.

    It holds nothing about items that the workspace does not: ``fill`` makes it anew.
    """

    def __init__(self, database: str, *, storing_seconds: float = STORING_SECONDS) -> None:
        """Open and migrate; raises UsageError that says what to check.

        A server that began to store an act so long ago is taken for dead.
        """
        self.database = Database(database)  # a server keeps sessions there too
        self._storing_seconds = storing_seconds

    # -- what is asked, and what was said ------------------------------------------------------

    def fill(self, new: Sequence[ReviewItem], entries: Sequence[ReviewEntry]) -> None:
        """Add items and acts that are not there yet; again changes nothing."""
        with self.database.alone() as connection:
            filling.fill(connection, new, entries)

    def record(self, entry: ReviewEntry) -> ItemStatus:
        """Note an act that the workspace holds; its item's status. Again changes nothing."""
        with self.database.writing() as connection:
            status = apply(connection, entry)
        if status is None:
            raise UsageError(f"no item {entry.item_id} in the review queue; fill it again")
        return status

    def entry(self, entry_id: str) -> ReviewEntry | None:
        """An act by its id, once it is noted."""
        with self.database.reading() as connection:
            document = connection.scalar(select(acts.c.document).where(acts.c.entry_id == entry_id))
        return None if document is None else ReviewEntry.model_validate_json(document)

    def item(self, item_id: str) -> ReviewItem:
        """An item that there is."""
        with self.database.reading() as connection:
            return read_item(connection, item_id)

    # -- leases --------------------------------------------------------------------------------

    def lease(
        self,
        reader: Reader,
        *,
        round_number: int,
        count: int,
        seconds: float,
        kinds: frozenset[ItemKind] | None = None,
        now: datetime | None = None,
    ) -> tuple[Lease, ...]:
        """Hold ``count`` items for a reader: those held already, then the best that are free.

        Disputed items are for those who adjudicate. ``kinds`` are as readers are told them.
        """
        moment = _seconds(now)
        wish = leasing.Wish(
            reader=reader,
            round=round_number,
            count=count,
            kinds=kinds,
            expires=moment + seconds,
        )
        for tries_left in reversed(range(TRIES)):
            try:
                return self._lease(wish, moment)
            except IntegrityError:  # the reader's other window took the same item
                if not tries_left:
                    raise
        return ()

    def _lease(self, wish: leasing.Wish, moment: float) -> tuple[Lease, ...]:
        with self.database.writing() as connection:
            leasing.expire(connection, wish.round, moment)
            held = leasing.keep_held(connection, wish, moment)
            more = wish.count - len(held)
            taken = leasing.take(connection, wish, more) if more > 0 else []
        return (*held, *taken)

    def held(self, reader: str, lease_id: str) -> Lease:
        """The lease, if the reader still holds it; raises LeaseLostError."""
        return self._held(reader, reads.c.lease_id == lease_id)

    def held_item(self, reader: str, item_id: str) -> Lease:
        """The lease under which a reader holds an item; raises LeaseLostError."""
        return self._held(reader, (reads.c.item_id == item_id) & (reads.c.reader == reader))

    def renew(self, reader: str, lease_id: str, seconds: float) -> Lease:
        """Hold the item for so long from now, or longer still; raises LeaseLostError."""
        moment = _seconds(None)
        with self.database.writing() as connection:
            row = leasing.own_read(connection, reader, lease_id, moment)
            leasing.set_read(connection, lease_id, expires=max(row.expires, moment + seconds))
        return self.held(reader, lease_id)

    def release(self, reader: str, lease_id: str) -> None:
        """Give the item back unanswered; raises LeaseLostError."""
        with self.database.writing() as connection:
            row = leasing.own_read(connection, reader, lease_id, _seconds(None))
            leasing.give_back(connection, row)
            add_act(connection, "release", read_item(connection, row.item_id), reader)

    # -- storing an act: begin, then the workspace, then record --------------------------------

    def begin(self, lease: Lease) -> None:
        """What the reader did with the item is going to be stored; raises LeaseLostError."""
        with self.database.writing() as connection:
            now = _seconds(None)
            storing.begin(connection, lease, now, now + self._storing_seconds)

    def begin_undo(self, reader: str, *, round_number: int, depth: int) -> ReviewEntry:
        """The newest of the reader's last answers is going to be taken back; which one it is."""
        with self.database.writing() as connection:
            until = _seconds(None) + self._storing_seconds
            return storing.begin_undo(connection, reader, round_number, depth, until)

    def is_storing(self, reader: str, lease_id: str) -> bool:
        """Whether the reader's answer under this lease may be stored without being noted."""
        with self.database.reading() as connection:
            return storing.is_storing(connection, reader, lease_id)

    def announce_end(self, round_number: int) -> bool:
        """Whether all of a round is answered now, and the caller is the first to find it so."""
        with self.database.reading() as connection:
            line = storing.end_of(connection, round_number)
        if line is None:
            return False
        try:
            with self.database.writing() as connection:
                connection.execute(insert(acts), line)
        except IntegrityError:
            return False
        return True

    def in_doubt(self, round_number: int) -> tuple[Lease, ...]:
        """Acts of which nobody knows whether they were stored; ``lease_id`` is the document's.

        Ask the workspace for it: ``record`` what is there, ``free`` what is not.
        """
        with self.database.reading() as connection:
            return storing.in_doubt(connection, round_number, _seconds(None))

    def free(self, lease: Lease) -> None:
        """The act in doubt was never stored: the item is as it was before."""
        with self.database.writing() as connection:
            storing.free(connection, lease)

    def refuse(self, lease: Lease, reason: str, seconds: float) -> None:
        """Note that an answer was not taken, and why."""
        with self.database.writing() as connection:
            add_act(connection, "refused", lease.item, lease.reader, reason=reason, seconds=seconds)

    # -- where it stands -----------------------------------------------------------------------

    def open_items(self, round_number: int) -> tuple[ReviewItem, ...]:
        """What still needs an answer in a round, most valuable first."""
        left = (ItemStatus.OPEN, ItemStatus.DISPUTED)
        with self.database.reading() as connection:
            return standing.items_of(connection, round_number, left)

    def items(self, round_number: int) -> tuple[ReviewItem, ...]:
        """Everything that is asked in a round, most valuable first."""
        with self.database.reading() as connection:
            return standing.items_of(connection, round_number, tuple(ItemStatus))

    def entries(self, round_number: int) -> tuple[ReviewEntry, ...]:
        """What was done in a round, in order."""
        with self.database.reading() as connection:
            return standing.entries(connection, round_number)

    def listing(self, round_number: int, reader: Reader, limit: int) -> tuple[ListedItem, ...]:
        """The list of items as this reader may see it; ``expected`` is for nobody's eyes."""
        with self.database.reading() as connection:
            return standing.listing(connection, round_number, reader, limit)

    def counts(self, round_number: int | None = None) -> dict[str, int]:
        """Items by status, of one round or of all."""
        with self.database.reading() as connection:
            return standing.counts(connection, round_number)

    def progress(self, round_number: int) -> Progress:
        """How far a round is."""
        with self.database.reading() as connection:
            return standing.progress(connection, round_number, _seconds(None))

    # -- people --------------------------------------------------------------------------------

    def add_reader(self, reader: Reader, token_hash: str) -> None:
        """Let somebody in by a token of which only the hash is kept."""
        with self.database.writing() as connection:
            people.add(connection, reader, token_hash)

    def reader_of(self, token_hash: str) -> Reader | None:
        """Whose token it is, or None."""
        with self.database.reading() as connection:
            return people.find(connection, token_hash)

    def revoke(self, name: str) -> None:
        """Let somebody in no more; raises UsageError for a name without a token."""
        with self.database.writing() as connection:
            people.revoke(connection, name)

    def people(self) -> tuple[Reader, ...]:
        """All whose tokens are valid."""
        with self.database.reading() as connection:
            return people.everybody(connection)

    def close(self) -> None:
        """Give the connections back."""
        self.database.close()

    def _held(self, reader: str, this: ColumnElement[bool]) -> Lease:
        with self.database.reading() as connection:
            found = connection.execute(select(reads).where(this)).one_or_none()
            row = leasing.held_by(found, reader, _seconds(None))
            return lease_of(row, read_item(connection, row.item_id))


def _seconds(moment: datetime | None) -> float:
    return (moment or datetime.now(UTC)).timestamp()
