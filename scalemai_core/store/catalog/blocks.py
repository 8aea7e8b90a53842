"""Tables of more rows than one process should hold: some scans at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import polars as pl


class Blocks(Iterable[pl.DataFrame]):
    """Rows by scan, some scans at a time and in their order; may be gone through again and again.

    No scan's rows lie in two blocks.
    """

    def __init__(self, read: Callable[[], Iterator[pl.DataFrame]]) -> None:
        """``read`` begins anew each time."""
        self._read = read

    def __iter__(self) -> Iterator[pl.DataFrame]:
        return self._read()
