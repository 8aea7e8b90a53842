"""What lies below a folder of this machine's disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """What a listing says of a document."""

    size: int
    modified: datetime


def walk(root: Path, folder: Path) -> Iterator[tuple[str, Entry]]:
    """All files below a folder by their path from ``root``; what goes meanwhile is left out."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            with suppress(FileNotFoundError):
                found = path.stat()
                modified = datetime.fromtimestamp(found.st_mtime, UTC)
                yield path.relative_to(root).as_posix(), Entry(found.st_size, modified)
