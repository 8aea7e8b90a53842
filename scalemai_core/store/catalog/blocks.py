"""Tables of more rows than one process should hold: some scans at a time."""

from __future__ import annotations

import io
import os
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


def spooled(blocks: Iterable[pl.DataFrame]) -> Blocks:
    """Blocks as they are now, for those who go through them often and for whom they are costly.

    They lie on this machine's disk, in a file without a name that goes when the last reader does.
    """
    file = TemporaryFile()  # noqa: SIM115 - read as long as somebody holds the blocks
    places: list[tuple[int, int]] = []
    for block in blocks:
        start = file.tell()
        block.write_ipc(file, compression="lz4")
        places.append((start, file.tell() - start))
    file.flush()

    def read() -> Iterator[pl.DataFrame]:
        for start, num_bytes in places:
            yield pl.read_ipc(io.BytesIO(os.pread(file.fileno(), num_bytes, start)))

    return Blocks(read)


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
