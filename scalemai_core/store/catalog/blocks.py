"""Tables of more rows than one process should hold: some scans at a time."""

from __future__ import annotations

import io
import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from tempfile import TemporaryFile

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


class Spool(Iterable[pl.DataFrame]):
    """Blocks that wait on this machine's disk for those who go through them, often or once.

    They lie in a file without a name that goes when the last reader does.
    """

    def __init__(self) -> None:
        """Empty."""
        self._file = TemporaryFile()  # noqa: SIM115 - as long as somebody holds the blocks
        self._places: list[tuple[int, int]] = []
        self.rows = 0
        """Of all blocks."""

    def append(self, block: pl.DataFrame) -> None:
        """Put a block behind the others."""
        start = self._file.tell()
        block.write_ipc(self._file, compression="lz4")
        self._file.flush()
        self._places.append((start, self._file.tell() - start))
        self.rows += block.height

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for start, num_bytes in self._places:
            yield pl.read_ipc(io.BytesIO(os.pread(self._file.fileno(), num_bytes, start)))


def spooled(blocks: Iterable[pl.DataFrame]) -> Spool:
    """Blocks as they are now, made once."""
    spool = Spool()
    for block in blocks:
        spool.append(block)
    return spool


def divided(blocks: Iterable[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """Each in parts of so many rows and the rest of a scan."""
    for block in blocks:
        ends = block["scan_id"].rle().struct.field("len").cum_sum().to_list()
        start = 0
        while start < block.height:
            end = ends[bisect_left(ends, min(start + rows, block.height))]
            yield block[start:end]
            start = end
        if not block.height:
            yield block


def gathered(blocks: Iterable[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """Neighbours put together until they have so many rows; only the last may have fewer."""
    waiting: list[pl.DataFrame] = []
    for block in blocks:
        waiting.append(block)
        if sum(one.height for one in waiting) >= rows:
            yield pl.concat(waiting)
            waiting = []
    if waiting:
        yield pl.concat(waiting)
