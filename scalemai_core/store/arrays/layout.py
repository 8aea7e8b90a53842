"""How an array of three axes lies in one Zarr shard: its document, its chunks and their table.

Plain Zarr v3 that any reader opens. Chunks follow one another along x, then y, then z, so that a
slab of slices is one run of bytes. Opens no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from typing import Any, NamedTuple

import google_crc32c
import numpy as np
from numcodecs import blosc, zstd  # pyright: ignore[reportAttributeAccessIssue] - compiled
from numpy.typing import NDArray

from scalemai_core.errors import WorkspaceError
from scalemai_core.store.seal import sealed, unsealed

CHUNK_ZYX = (48, 64, 64)
"""Chunk of every volume, small enough that a patch decodes little beside itself; a volume is one
Zarr shard, so that it takes few objects."""

AIR_HU = -1024
CLEVEL = 5
ZSTD_LEVEL = 3
INDEX_ENTRY_BYTES = 16
"""Offset and size of a chunk, little-endian uint64."""
CHECKSUM_BYTES = 4
INTACT = google_crc32c.value(bytes(CHECKSUM_BYTES))
"""CRC-32C of whatever ends with its own CRC-32C."""

Triple = tuple[int, int, int]

_KEYS = {"name": "default", "configuration": {"separator": "."}}
_CRC = {"name": "crc32c"}
_LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}


class Coding(NamedTuple):
    """What is fixed by the type of voxel."""

    fill: int
    codecs: tuple[dict[str, Any], ...]
    """As the document names them."""


CODINGS = {
    # Images: 2 % larger than zstd's level 3 on CT, and decoded in about half the time (measured).
    "int16": Coding(
        AIR_HU,
        (
            _LITTLE,
            {
                "name": "blosc",
                "configuration": {
                    "typesize": 2,
                    "cname": "lz4hc",
                    "clevel": CLEVEL,
                    "shuffle": "bitshuffle",
                    "blocksize": 0,
                },
            },
            _CRC,
        ),
    ),
    "uint8": Coding(
        0,
        (
            {"name": "bytes"},
            {"name": "zstd", "configuration": {"level": ZSTD_LEVEL, "checksum": False}},
            _CRC,
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """One array's shape and type, and all that follows from them."""

    shape: Triple
    dtype: str
    chunk: Triple

    @classmethod
    def of(cls, voxels_zyx: NDArray[Any]) -> Layout:
        """The layout that an array is written in; raises KeyError for another type of voxel."""
        return cls.plan(triple(voxels_zyx.shape), voxels_zyx.dtype.name)

    @classmethod
    def plan(cls, shape: Triple, dtype: str) -> Layout:
        """The same for an array that is still to be made."""
        CODINGS[dtype]
        chunk = triple([min(c, n) for c, n in zip(CHUNK_ZYX, shape, strict=True)])
        return cls(shape, dtype, chunk)

    @classmethod
    def read(cls, data: bytes, path: str) -> Layout:
        """From an array's document; raises WorkspaceError where it is damaged or not ours."""
        try:
            return _known(data)
        except WorkspaceError:
            # Once more, for an error that names this array.
            return _parsed(data, path)

    @cache  # noqa: B019 - few layouts are alive, and all are small
    def document(self) -> bytes:
        """The array's document."""
        fill, codecs = CODINGS[self.dtype]
        inner = {
            "chunk_shape": self.chunk,
            "codecs": codecs,
            "index_codecs": [_LITTLE, _CRC],
            "index_location": "end",
        }
        shard = [count * edge for count, edge in zip(self.counts, self.chunk, strict=True)]
        document = {
            "zarr_format": 3,
            "node_type": "array",
            "shape": self.shape,
            "data_type": self.dtype,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shard}},
            "chunk_key_encoding": _KEYS,
            "fill_value": fill,
            "codecs": [{"name": "sharding_indexed", "configuration": inner}],
            "attributes": {},
            "dimension_names": ["z", "y", "x"],
            "storage_transformers": [],
        }
        return sealed(document)

    @property
    def counts(self) -> Triple:
        """Chunks along each axis."""
        return triple([-(-n // c) for n, c in zip(self.shape, self.chunk, strict=True)])

    @property
    def num_index_bytes(self) -> int:
        """Size of the table of chunks, which stands at the end of the shard."""
        z, y, x = self.counts
        return INDEX_ENTRY_BYTES * z * y * x + CHECKSUM_BYTES

    def shard(self, voxels_zyx: NDArray[Any]) -> bytes:
        """All chunks and their table."""
        return joined(self.chunks(voxels_zyx))

    def chunks(self, voxels_zyx: NDArray[Any]) -> list[bytes]:
        """The chunks of all voxels, or of whole rows of chunks along z, as stored."""
        rows = range(-(-len(voxels_zyx) // self.chunk[0]))
        _, y, x = self.counts
        return [self._encoded(voxels_zyx, at) for at in product(rows, range(y), range(x))]

    def table(self, data: bytes, path: str) -> list[list[int]]:
        """Offset and size of every chunk, from the end of the shard at ``path``.

        Raises WorkspaceError where a checksum is wrong.
        """
        stored = checked(data[-self.num_index_bytes :], path)
        return np.frombuffer(stored, dtype="<u8").reshape(-1, 2).tolist()

    def decoded(self, data: bytes, path: str) -> NDArray[Any]:
        """A whole chunk; raises WorkspaceError where its checksum is wrong."""
        stored = checked(data, path)
        content = blosc.decompress(stored) if self.dtype == "int16" else zstd.decompress(stored)
        return np.frombuffer(content, dtype=self.dtype).reshape(self.chunk)

    def _encoded(self, voxels_zyx: NDArray[Any], at: tuple[int, ...]) -> bytes:
        """The chunk at a place in the grid of chunks; beyond the array it holds the fill value."""
        box = tuple(slice(i * c, i * c + c) for i, c in zip(at, self.chunk, strict=True))
        chunk = np.ascontiguousarray(voxels_zyx[box])
        if chunk.shape != self.chunk:
            ends = [(0, c - n) for c, n in zip(self.chunk, chunk.shape, strict=True)]
            chunk = np.pad(chunk, ends, constant_values=CODINGS[self.dtype].fill)
        if self.dtype == "int16":
            return _summed(blosc.compress(chunk, b"lz4hc", CLEVEL, blosc.BITSHUFFLE, 0))
        return _summed(zstd.compress(chunk, ZSTD_LEVEL))


@lru_cache(maxsize=256)
def _known(data: bytes) -> Layout:
    """Arrays of one shape have the same document, byte by byte: it is checked and parsed once."""
    return _parsed(data, "an array")


def _parsed(data: bytes, path: str) -> Layout:
    document = unsealed(data, path)
    dtype, sharding = document["data_type"], document["codecs"][0]
    inner = sharding.get("configuration", {})
    if dtype not in CODINGS or tuple(inner.get("codecs", ())) != CODINGS[dtype].codecs:
        raise WorkspaceError(f"{path} was written by another program: {dtype}, {sharding}")
    if document["chunk_key_encoding"] != _KEYS:
        raise WorkspaceError(f"{path} was written by an earlier version: ingest its scans anew")
    return Layout(triple(document["shape"]), dtype, triple(inner["chunk_shape"]))


def checked(data: bytes, path: str) -> memoryview:
    """The data without its checksum; raises WorkspaceError where they do not fit."""
    if len(data) < CHECKSUM_BYTES or google_crc32c.value(data) != INTACT:
        raise WorkspaceError(f"{path} is damaged: a checksum is wrong")
    return memoryview(data)[:-CHECKSUM_BYTES]


def joined(chunks: Sequence[bytes]) -> bytes:
    """A shard of all its chunks, their table behind them."""
    sizes = np.array([len(chunk) for chunk in chunks], dtype="<u8")
    table = np.stack([np.cumsum(sizes) - sizes, sizes], axis=1)
    return b"".join([*chunks, _summed(table.astype("<u8").tobytes())])


def triple(values: Sequence[int]) -> Triple:
    """Three numbers, for z, y and x."""
    z, y, x = values
    return (z, y, x)


def _summed(data: bytes) -> bytes:
    return data + google_crc32c.value(data).to_bytes(CHECKSUM_BYTES, "little")
