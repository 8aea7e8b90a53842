"""Batches as they change hands between processes: in shared memory that is used again.

Fresh shared memory costs both processes more than all copying: the system clears and maps every
page of it (measured: a quarter of a patch's processor time).
"""

from __future__ import annotations

import pickle
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray

from scalemai_core.learn.feed.patches import Patch

ALIGNMENT_BYTES = 64


@dataclass(frozen=True, slots=True)
class Order:
    """What a process is to prepare, and the piece of memory to put it in."""

    samples: Sequence[int]
    piece: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch: all its voxels lie in one piece of shared memory."""

    piece: int
    memory: torch.Tensor | None
    """The piece, uint8, where it is a new one; the receiver has the others already."""
    frame: bytes
    """The patches, pickled without their arrays' content."""
    sizes: tuple[int, ...]
    """Bytes of each array; one lies behind the other, each from a multiple of 64 bytes on."""


class Packer:
    """Packs in the process that prepares patches, and keeps its pieces of memory."""

    def __init__(self) -> None:
        self._pieces: dict[int, torch.Tensor] = {}

    def pack(self, patches: list[Patch], piece: int) -> Parcel:
        """Into that piece, which nobody reads any more."""
        buffers: list[pickle.PickleBuffer] = []
        frame = pickle.dumps(patches, protocol=5, buffer_callback=buffers.append)
        arrays = [buffer.raw() for buffer in buffers]
        sizes = tuple(array.nbytes for array in arrays)
        needed, new = sum(map(_aligned, sizes)), None
        if piece not in self._pieces or self._pieces[piece].numel() < needed:
            # As torch's own collation does it; share_memory_() would copy what is not yet there.
            shared = torch.UntypedStorage._new_shared(needed)
            new = self._pieces[piece] = torch.empty(0, dtype=torch.uint8).set_(shared)
        places = _places(self._pieces[piece].numpy(), sizes)
        for array, place in zip(arrays, places, strict=True):
            place[:] = array
        return Parcel(piece, new, frame, sizes)


class Pieces:
    """Orders and unpacks in the process that trains, which decides what piece is free."""

    def __init__(self, workers: int) -> None:
        self._memory: dict[int, torch.Tensor] = {}
        self._new = [count(worker, workers) for worker in range(workers)]
        self._free = [deque[int]() for _ in range(workers)]

    def orders(self, batches: Iterable[Sequence[int]]) -> Iterator[Order]:
        """One a batch; as they are dealt in turns, each process gets its own pieces again.

        One that gets another's piece makes a new one of that number.
        """
        for number, samples in enumerate(batches):
            worker = number % len(self._free)
            free = self._free[worker]
            yield Order(samples, free.popleft() if free else next(self._new[worker]))

    def unpack(self, parcel: Parcel) -> list[Patch]:
        """Arrays are views; once none of them is left, the piece is free."""
        if parcel.memory is not None:
            self._memory[parcel.piece] = parcel.memory
        memory = self._memory[parcel.piece].numpy()
        free = self._free[parcel.piece % len(self._free)]
        weakref.finalize(memory, free.append, parcel.piece).atexit = False
        return pickle.loads(parcel.frame, buffers=_places(memory, parcel.sizes))


def _places(memory: NDArray[np.uint8], sizes: Sequence[int]) -> list[memoryview]:
    """Where each array lies."""
    first, places = 0, []
    for size in sizes:
        places.append(memory.data[first : first + size])
        first += _aligned(size)
    return places


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
