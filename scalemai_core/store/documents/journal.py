"""Things that happened, one small document each: added, never changed, never taken away."""

from __future__ import annotations

from typing import Generic, TypeVar

from scalemai_core.records.base import Record
from scalemai_core.store.files import Files

AnyRecord = TypeVar("AnyRecord", bound=Record)


class Journal(Generic[AnyRecord]):
    """``<folder>/<name>.json``; many may write at once, each under names of its own."""

    def __init__(self, files: Files, folder: str, kind: type[AnyRecord]) -> None:
        self._files = files
        self._folder = folder
        self._kind = kind

    def append(self, name: str, entry: AnyRecord) -> None:
        """Store an entry; what is there under this name stays as it is."""
        path = f"{self._folder}/{name}.json"
        if not self._files.exists(path):
            self._files.write_bytes(path, entry.model_dump_json(indent=1).encode())

    def read(self) -> tuple[AnyRecord, ...]:
        """All entries by name."""
        documents = self._files.read_all(self._folder, ".json")
        return tuple(self._kind.model_validate_json(document) for document in documents)
