"""One round's review: what readers hold, and what they say of it, kept before it is acknowledged.

An answer is stored in the workspace between two steps of the queue. A server that is killed there
leaves the item in doubt, and whoever asks for items next looks into the workspace to end it.
"""

from __future__ import annotations

from collections.abc import Callable

from scalemai_core.errors import ChangedMaskError, LeaseLostError, UsageError
from scalemai_core.records.answer import Answer, Receipt
from scalemai_core.records.decision import Candidate
from scalemai_core.records.item_view import ItemView
from scalemai_core.records.lease import Lease
from scalemai_core.records.listed_item import ItemStatus, ListedItem
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.records.review_entry import Act, ReviewEntry
from scalemai_core.records.review_stats import Progress, ReviewStats
from scalemai_core.review import choices
from scalemai_core.review.drawing import Drawing, drawn_mask, find_pieces, remaining_mask
from scalemai_core.review.entries import answer_entry, skip_entry, undo_entry
from scalemai_core.review.latest import LatestMasks
from scalemai_core.review.queue.queue import Queue
from scalemai_core.review.stats import review_stats
from scalemai_core.review.views import ItemViews
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.documents.review_log import ReviewClosedError
from scalemai_core.store.workspace import Workspace


class Desk:
    """What the page does in one round; safe to share between threads, many may serve one queue."""

    def __init__(
        self,
        store: Workspace,
        queue: Queue,
        round_number: int,
        settings: ReviewSettings,
        on_done: Callable[[int], None] | None = None,
    ) -> None:
        self.store = store
        self.queue = queue
        self.round_number = round_number
        self.settings = settings
        self._on_done = on_done
        self._log = store.review_log(round_number)
        self._latest = LatestMasks(store)
        self._views = ItemViews(store, round_number)

    # -- taking --------------------------------------------------------------------------------

    def take(
        self, reader: Reader, count: int, kinds: frozenset[ItemKind] | None = None
    ) -> tuple[Lease, ...]:
        """Hold ``count`` items, those held already first; raises ReviewClosedError."""
        self._check_open()
        self.reconcile()
        return self.queue.lease(
            reader,
            round_number=self.round_number,
            count=count,
            seconds=self.settings.lease_seconds,
            kinds=kinds,
        )

    def renew(self, reader: Reader, lease_id: str) -> Lease:
        """Go on holding an item; raises LeaseLostError."""
        return self.queue.renew(reader.name, lease_id, self.settings.lease_seconds)

    def release(self, reader: Reader, lease_id: str) -> None:
        """Give an item back; raises LeaseLostError."""
        self.queue.release(reader.name, lease_id)

    def reconcile(self) -> None:
        """End what a killed server began: what the workspace has counts, the rest never was."""
        for lease in self.queue.in_doubt(self.round_number):
            if self._log.has(lease.lease_id):
                self._note(self._log.entry(lease.lease_id))
            else:
                self.queue.free(lease)

    # -- answering -----------------------------------------------------------------------------

    def answer(
        self, reader: Reader, lease_id: str, answer: Answer, drawing: Drawing | None = None
    ) -> Receipt:
        """Keep an answer; the same one again is acknowledged again and counts once.

        Raises LeaseLostError, ChangedMaskError, TooLargeError, ReviewClosedError, or UsageError for
        an answer that the item does not allow.
        """
        try:
            lease = self._held(reader, lease_id)
        except LeaseLostError:
            known = self._known(reader, lease_id)
            if known is None or not self._says(known, answer, drawing):
                raise
            return self._note(known)
        try:
            self._check_open()
            answer = _meant(lease.item, answer)
            label_map, words = self._mask(lease.item, answer, drawing)
            self._check_unchanged(lease.item)
        except UsageError as error:
            self.queue.refuse(lease, str(error), answer.seconds)
            raise
        return self._store(lease, answer_entry(lease, reader, answer, label_map, words))

    def skip(self, reader: Reader, lease_id: str, reason: str, seconds: float) -> Receipt:
        """Pass an item on, with the reason; it does not come back to this reader."""
        if not reason.strip():
            raise UsageError("say in a few words why you pass the item on")
        self._check_open()
        try:
            lease = self._held(reader, lease_id)
        except LeaseLostError:
            known = self._known(reader, lease_id)
            if known is None or known.act is not Act.SKIP:
                raise
            return self._note(known)
        return self._store(lease, skip_entry(lease, reader, seconds, reason.strip()))

    def undo(self, reader: Reader) -> Lease:
        """Take the reader's newest answer back and put its item before the reader again."""
        self._check_open()
        self.reconcile()
        answer = self.queue.begin_undo(
            reader.name,
            round_number=self.round_number,
            depth=self.settings.undo_depth,
        )
        entry = undo_entry(answer, reader)
        self._log.append(entry.entry_id, [entry])
        self.queue.record(entry)
        return self.renew(reader, self.queue.held_item(reader.name, answer.item_id).lease_id)

    def item(self, reader: Reader, lease_id: str) -> ReviewItem:
        """What a lease is about, one that the reader answered among them: an answer may have to be
        sent again. Raises LeaseLostError."""
        try:
            return self._held(reader, lease_id).item
        except LeaseLostError:
            known = self._known(reader, lease_id)
            if known is None:
                raise
            return self.queue.item(known.item_id)

    # -- where it stands -----------------------------------------------------------------------

    def view(self, item_id: str) -> ItemView:
        """Where to look; raises UsageError for an item that has no view."""
        return self._views[item_id]

    def listing(self, reader: Reader, limit: int) -> tuple[ListedItem, ...]:
        """The list of items as this reader may see it."""
        return self.queue.listing(self.round_number, reader, limit)

    def progress(self) -> Progress:
        """How far the round is."""
        return self.queue.progress(self.round_number)

    def stats(self, reader: Reader) -> ReviewStats:
        """Figures as this reader may see them."""
        number = self.round_number
        items, entries = self.queue.items(number), self.queue.entries(number)
        return review_stats(items, entries, self.progress(), number, reader)

    # -- steps ---------------------------------------------------------------------------------

    def _held(self, reader: Reader, lease_id: str) -> Lease:
        """A lease of this round: to what an earlier one asked, nobody listens any more."""
        lease = self.queue.held(reader.name, lease_id)
        if lease.item.round != self.round_number:
            raise LeaseLostError(
                f"round {lease.item.round}, which asked this, is over; take the next item"
            )
        return lease

    def _known(self, reader: Reader, lease_id: str) -> ReviewEntry | None:
        """What was done under this lease before, perhaps by a server that did not live to say."""
        entry = self.queue.entry(lease_id)
        # A name from outside becomes part of a path only once the queue knows it for a lease.
        if entry is None and self.queue.is_storing(reader.name, lease_id):
            entry = self._log.entry(lease_id) if self._log.has(lease_id) else None
        return entry if entry is not None and entry.reader == reader.name else None

    def _says(self, known: ReviewEntry, answer: Answer, drawing: Drawing | None) -> bool:
        """Whether an answer that is kept is the one that was sent again, and not another."""
        item = self.queue.item(known.item_id)
        answer = _meant(item, answer)
        if known.verdict is None or known.verdict.choice is not answer.choice:
            return False
        label_map, _ = self._mask(item, answer, drawing)
        return label_map == known.verdict.label_map

    def _mask(
        self, item: ReviewItem, answer: Answer, drawing: Drawing | None
    ) -> tuple[str | None, str]:
        """Label map of the chosen mask, written if it is new, and what was done in words."""
        choices.check(item, answer, is_drawn=drawing is not None)
        if answer.choice is not Candidate.READER:
            return choices.chosen_map(item, answer.choice), ""
        grid = self._latest.grid(item.scan_id)
        if drawing is not None:
            return drawn_mask(self.store, item, grid, drawing), ""
        max_ml, view = self.settings.max_delete_ml, self.view(item.item_id)
        deletion = find_pieces(self.store, item, view, answer.pieces, grid, max_ml)
        return remaining_mask(self.store, item, grid, deletion), deletion.words

    def _check_unchanged(self, item: ReviewItem) -> None:
        """Compare with what the newest dataset version says; a honeypot's mask is in none."""
        if item.kind is ItemKind.HONEYPOT:
            return
        if self._latest.label_map(item.scan_id, item.structure) != item.base_label_map:
            raise ChangedMaskError(
                "the mask was changed since this question was asked; take the next item"
            )

    def _check_open(self) -> None:
        if self._log.closed:
            raise ReviewClosedError(f"the review of round {self.round_number} is closed")

    def _store(self, lease: Lease, entry: ReviewEntry) -> Receipt:
        """Begin, store in the workspace, note in the queue: then it may be acknowledged."""
        self.queue.begin(lease)
        self._log.append(entry.entry_id, [entry])
        return self._note(entry)

    def _note(self, entry: ReviewEntry) -> Receipt:
        status = self.queue.record(entry)
        decided = status is ItemStatus.DECIDED
        if decided and self._on_done and self.queue.announce_end(self.round_number):
            self._on_done(self.round_number)
        # Blinded: neither that a second read waits nor that it differed is told to who answered.
        told = ItemStatus.DECIDED if entry.act is Act.ANSWER else status
        return Receipt(entry_id=entry.entry_id, item_id=entry.item_id, status=told)


def _meant(item: ReviewItem, answer: Answer) -> Answer:
    """With the choice that stands behind what the reader was told."""
    return answer.model_copy(update={"choice": choices.meant_choice(item, answer.choice)})
