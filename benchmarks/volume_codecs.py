"""Chunks and codecs tried on one scan and its label map: size, speed, and the cost of a patch."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numcodecs import Blosc, Zstd
from numcodecs.abc import Codec
from numpy.typing import NDArray
from rich.table import Table

Voxels = NDArray[np.generic]
Triple = tuple[int, int, int]

CHUNKS: tuple[Triple, ...] = ((32, 32, 32), (48, 64, 64), (64, 128, 128), (50, 512, 512))
Result = TypeVar("Result")

PATCH = 96
PATCHES = 8
IMAGE_CODECS: dict[str, Callable[[], Codec]] = {
    "blosc lz4 5, bits": lambda: Blosc("lz4", 5, Blosc.BITSHUFFLE),
    "blosc lz4hc 5, bits": lambda: Blosc("lz4hc", 5, Blosc.BITSHUFFLE),
    "blosc zstd 1, bits": lambda: Blosc("zstd", 1, Blosc.BITSHUFFLE),
    "blosc zstd 3, bits": lambda: Blosc("zstd", 3, Blosc.BITSHUFFLE),
    "blosc zstd 3, bytes": lambda: Blosc("zstd", 3, Blosc.SHUFFLE),
    "zstd 3": lambda: Zstd(3),
}
LABEL_CODECS: dict[str, Callable[[], Codec]] = {
    "blosc lz4 5": lambda: Blosc("lz4", 5, Blosc.NOSHUFFLE),
    "zstd 1": lambda: Zstd(1),
    "zstd 3": lambda: Zstd(3),
    "zstd 9": lambda: Zstd(9),
}


def codec_table(image_zyx: Voxels, labels_zyx: Voxels, seed: int, rounds: int) -> Table:
    """A row for each kind of voxel, chunk and codec; MB/s are of voxels, decoded."""
    table = Table(title=f"codecs, seed {seed}; the codec's own work, in memory, one thread")
    for column in ("", "chunk", "codec", "ratio", "encode MB/s", "decode MB/s", "96^3 patch ms"):
        table.add_column(column, justify="right")
    for kind, voxels, codecs in (
        ("image", image_zyx, IMAGE_CODECS),
        ("labels", labels_zyx, LABEL_CODECS),
    ):
        for chunk, (name, make) in itertools.product(CHUNKS, codecs.items()):
            row = _measured(voxels, chunk, make(), seed, rounds)
            table.add_row(kind, " x ".join(map(str, chunk)), name, *row)
    return table


def _measured(voxels: Voxels, chunk: Triple, codec: Codec, seed: int, rounds: int) -> list[str]:
    parts = {at: np.ascontiguousarray(voxels[_box(at, chunk)]) for at in _grid(voxels, chunk)}
    encode, stored = _best(rounds, lambda: {at: _encoded(codec, parts[at]) for at in parts})
    decode, _ = _best(rounds, lambda: [codec.decode(data) for data in stored.values()])
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, np.array(voxels.shape) - PATCH, (PATCHES, 3))
    touched = [_touched(corner, chunk) for corner in corners.tolist()]
    patch, _ = _best(rounds, lambda: [codec.decode(stored[at]) for each in touched for at in each])
    size = sum(len(data) for data in stored.values())
    megabytes = voxels.nbytes / 1e6
    return [
        f"{voxels.nbytes / size:.2f}",
        f"{megabytes / encode:.0f}",
        f"{megabytes / decode:.0f}",
        f"{1000 * patch / PATCHES:.1f}",
    ]


def _encoded(codec: Codec, part: Voxels) -> bytes:
    return bytes(codec.encode(part))  # pyright: ignore[reportArgumentType] - numcodecs has no types


def _best(rounds: int, work: Callable[[], Result]) -> tuple[float, Result]:
    """Processor seconds of the quickest of some rounds, and the result."""
    best, result = np.inf, work()
    for _ in range(rounds):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return best, result


def _grid(voxels: Voxels, chunk: Triple) -> itertools.product[tuple[int, ...]]:
    return itertools.product(*(range(-(-n // c)) for n, c in zip(voxels.shape, chunk, strict=True)))


def _box(at: tuple[int, ...], chunk: Triple) -> tuple[slice, ...]:
    return tuple(slice(i * c, i * c + c) for i, c in zip(at, chunk, strict=True))


def _touched(corner: list[int], chunk: Triple) -> list[tuple[int, ...]]:
    """The chunks that a patch lies in."""
    spans = (
        range(first // c, (first + PATCH - 1) // c + 1)
        for first, c in zip(corner, chunk, strict=True)
    )
    return list(itertools.product(*spans))
