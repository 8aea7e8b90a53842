"""A stored array, read where it is sliced: only the chunks that a box touches, their sums checked.

It reads Zarr without Zarr's machinery: an event loop for a chunk costs more than the chunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalemai_core.store.arrays.layout import Layout, Triple
from scalemai_core.store.files import Files

DOCUMENT = "zarr.json"
SHARD = "c.0.0.0"
"""Place of the only Zarr shard below the array: no folder of its own for each axis."""
TAIL_BYTES = 1 << 14
"""Read at once from the end of the shard, where its table is: all of a small volume, or of a label
map of large organs."""
RUN_BYTES = 1 << 23
"""Neighbouring chunks are read together up to this size."""
UNIFORM_BYTES = 64
"""What compresses to so little holds hardly more than one value: background, nearly always."""


class _Cut(NamedTuple):
    """What a span takes of one chunk, along one axis."""

    chunk: int
    target: slice
    """Its place in the span."""
    inside: slice
    """Its place in the chunk."""


class _Piece(NamedTuple):
    """What a box takes of one chunk."""

    place: tuple[int, int]
    """First byte in the shard, and the one behind the last."""
    target: tuple[slice, slice, slice]
    inside: tuple[slice, slice, slice]


class StoredArray:
    """Three axes of int16 or uint8; opening it reads its document and the table of its chunks."""

    def __init__(self, files: Files, path: str) -> None:
        """Raises FileNotFoundError where it is not stored or has lost its voxels, WorkspaceError
        where it is damaged."""
        self._files = files
        self._shard = f"{path}/{SHARD}"
        self._layout = layout = read_layout(files, path)
        num_bytes = max(TAIL_BYTES, layout.num_index_bytes)
        try:
            self._tail = files.read_end(self._shard, num_bytes)
        except FileNotFoundError:
            raise FileNotFoundError(f"{path} has lost its voxels") from None
        self._table = layout.table(self._tail, self._shard)
        first, size = self._table[-1]
        self._tail_at = first + size + layout.num_index_bytes - len(self._tail)
        self._uniform: dict[bytes, NDArray[Any]] = {}
        """Chunks of one value, by what is stored of them: decoded once."""

    @property
    def shape(self) -> Triple:
        """Voxels along z, y, x."""
        return self._layout.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""
        return np.dtype(self._layout.dtype)

    def read(self) -> NDArray[Any]:
        """All voxels."""
        return self[:, :, :]

    def __getitem__(self, box: tuple[slice, slice, slice]) -> NDArray[Any]:
        """A copy of the voxels of a box of slices without steps.

        Raises FileNotFoundError, or WorkspaceError where a checksum is wrong.
        """
        layout = self._layout
        spans = [part.indices(n)[:2] for part, n in zip(box, layout.shape, strict=True)]
        voxels = np.empty([max(stop - start, 0) for start, stop in spans], dtype=layout.dtype)
        runs = _runs(self._pieces(spans))
        for run, data in zip(runs, self._bytes(runs), strict=True):
            first = run[0].place[0]
            for (start, stop), target, inside in run:
                chunk = self._decoded(data[start - first : stop - first])
                voxels[target] = chunk[inside]
        return voxels

    def _pieces(self, spans: Sequence[tuple[int, int]]) -> list[_Piece]:
        """In the order of the shard."""
        pieces: list[_Piece] = []
        _, num_y, num_x = self._layout.counts
        for z, y, x in product(*map(_cuts, spans, self._layout.chunk)):
            first, size = self._table[(z.chunk * num_y + y.chunk) * num_x + x.chunk]
            target, inside = (z.target, y.target, x.target), (z.inside, y.inside, x.inside)
            pieces.append(_Piece((first, first + size), target, inside))
        return pieces

    def _bytes(self, runs: Sequence[Sequence[_Piece]]) -> Iterator[bytes]:
        """What is stored of each run; small volumes came with the table."""
        ranges = [(run[0].place[0], run[-1].place[1]) for run in runs]
        if all(first >= self._tail_at for first, _ in ranges):
            at = self._tail_at
            return (self._tail[first - at : last - at] for first, last in ranges)
        return self._files.read_ranges(self._shard, ranges)

    def _decoded(self, data: bytes) -> NDArray[Any]:
        if len(data) > UNIFORM_BYTES:
            return self._layout.decoded(data, self._shard)
        if data not in self._uniform:
            chunk = self._layout.decoded(data, self._shard)
            first = chunk[0, 0, 0]
            if not (chunk == first).all():
                return chunk
            self._uniform[data] = np.broadcast_to(first, chunk.shape)
        return self._uniform[data]


def read_layout(files: Files, path: str) -> Layout:
    """An array's layout without its voxels; raises FileNotFoundError or WorkspaceError."""
    document = f"{path}/{DOCUMENT}"
    try:
        return Layout.read(files.read_bytes(document), document)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is not stored, or has lost its document") from None


def write_array(files: Files, path: str, voxels_zyx: NDArray[Any]) -> None:
    """Write the shard, then the document; one writer an array."""
    layout = Layout.of(voxels_zyx)
    write_shard(files, path, layout, layout.shard(voxels_zyx))


def write_shard(files: Files, path: str, layout: Layout, shard: bytes) -> None:
    """The same of an array that was encoded before."""
    files.write_bytes(f"{path}/{SHARD}", shard)
    files.write_bytes(f"{path}/{DOCUMENT}", layout.document())


def _runs(pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    """Pieces whose chunks follow one another without a gap."""
    runs: list[list[_Piece]] = []
    for piece in pieces:
        first, last = piece.place
        if runs and runs[-1][-1].place[1] == first and last - runs[-1][0].place[0] <= RUN_BYTES:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return runs


def _cuts(span: tuple[int, int], chunk: int) -> list[_Cut]:
    """A span's parts along an axis, chunk by chunk."""
    cuts: list[_Cut] = []
    for number in range(span[0] // chunk, -(-span[1] // chunk)) if span[1] > span[0] else ():
        first = number * chunk
        start, stop = max(span[0], first), min(span[1], first + chunk)
        target = slice(start - span[0], stop - span[0])
        cuts.append(_Cut(number, target, slice(start - first, stop - first)))
    return cuts
