"""Sums of documents that carry none of their own: remembered when they are first looked at."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container
from threading import Lock

from scalemai_core.records.verification import Fault
from scalemai_core.store.files import Files
from scalemai_core.store.keeping.references import References

PATH = "verified.json"
SETTLED = re.compile(
    r"champions/|gold/|workspace\.json|models/[^/]+/(model\.json|[^/]+\.safetensors)$"
)
"""Documents that nobody writes again."""


class Sums:
    """``verified.json``: hashes by path. It finds what changed since the first look, not before."""

    def __init__(self, files: Files, references: References) -> None:
        self._files = files
        self._unfinished = tuple(f"rounds/{number}/" for number in references.unfinished)
        known = json.loads(files.read_bytes(PATH)) if files.exists(PATH) else {}
        self._before: dict[str, str] = known
        self._now: dict[str, str] = {}
        self._lock = Lock()

    def check(self, path: str, data: bytes) -> tuple[Fault, str] | None:
        """What is wrong with a document, by what was remembered of it."""
        over = path.startswith("rounds/") and not path.startswith(self._unfinished)
        if not over and not SETTLED.match(path):
            return None
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        with self._lock:
            self._now[path] = digest
        if self._before.get(path, digest) == digest:
            return None
        return Fault.ALTERED, "its bytes are not those of the first look"

    def lost(self, *there: Container[str]) -> list[str]:
        """Paths that were there at an earlier look and are no more: nobody removes these."""
        return sorted(path for path in self._before if not any(path in one for one in there))

    def remember(self) -> None:
        """Keep the sums of documents that were not known; the first look counts."""
        known = self._now | self._before
        if known != self._before:
            self._files.write_bytes(PATH, json.dumps(known, indent=1, sort_keys=True).encode())
