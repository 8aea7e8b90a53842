"""What people did in a round's review: one small document an act, gathered when the review ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scalemai_core.errors import WorkspaceError
from scalemai_core.records.review_entry import ReviewEntry
from scalemai_core.store.files import Files

CLOSING = "closing"


class ReviewClosedError(WorkspaceError):
    """The round goes on; what is said now would change nothing."""


class ReviewLog:
    """``rounds/<n>/review/<id>.jsonl``: written by many at once, no lock, no rename.

    ``review.jsonl`` beside that folder holds all of them once the review is closed; it is what the
    round's dataset version was made from, and is never written again.
    """

    def __init__(self, files: Files, round_number: int) -> None:
        self._files = files
        self._folder = f"rounds/{round_number}/review"
        self._closed = f"rounds/{round_number}/review.jsonl"
        self._number = round_number

    @property
    def closed(self) -> bool:
        """Whether no more is taken."""
        return self._files.exists(f"{self._folder}.{CLOSING}")

    def has(self, name: str) -> bool:
        """Whether the document was written."""
        return self._files.exists(self._document(name))

    def append(self, name: str, entries: Sequence[ReviewEntry]) -> None:
        """Store acts under a name of their own; once it returns they are kept for good.

        The same name again replaces the document by the same acts. Raises ReviewClosedError where
        the review is closed: then they may not count.
        """
        text = "".join(entry.model_dump_json() + "\n" for entry in entries)
        self._files.write_bytes(self._document(name), text.encode())
        if self.closed:
            raise ReviewClosedError(
                f"the review of round {self._number} is closed; this answer is not taken any more"
            )

    def entry(self, name: str) -> ReviewEntry:
        """The act of a document that holds one; raises FileNotFoundError."""
        return _entries(self._files.read_bytes(self._document(name)))[0]

    def read(self) -> tuple[ReviewEntry, ...]:
        """All acts, in the order in which they were done."""
        if self._files.exists(self._closed):
            return tuple(_entries(self._files.read_bytes(self._closed)))
        return _ordered(self._documents())

    def close(self) -> tuple[ReviewEntry, ...]:
        """Take no more, and return what counts: the same after every crash."""
        self._files.write_bytes(f"{self._folder}.{CLOSING}", b"")
        if not self._files.exists(self._closed):
            text = "".join(one.model_dump_json() + "\n" for one in _ordered(self._documents()))
            self._files.write_bytes(self._closed, text.encode())
        return self.read()

    def _documents(self) -> Iterable[ReviewEntry]:
        for document in self._files.read_all(self._folder, ".jsonl"):
            yield from _entries(document)

    def _document(self, name: str) -> str:
        return f"{self._folder}/{name}.jsonl"


def _entries(document: bytes) -> list[ReviewEntry]:
    return [ReviewEntry.model_validate_json(line) for line in document.splitlines() if line]


def _ordered(entries: Iterable[ReviewEntry]) -> tuple[ReviewEntry, ...]:
    return tuple(sorted(entries, key=lambda one: (one.created, one.entry_id)))
