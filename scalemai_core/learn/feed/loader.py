"""Batches of patches, prepared ahead by a thread or by processes of their own."""

from __future__ import annotations

import ctypes
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from torch.utils.data import DataLoader, Dataset

from scalemai_core.learn.feed.parcel import Order, Packer, Parcel, Pieces
from scalemai_core.learn.feed.patches import Patch, PatchSource

AHEAD = 2
"""Batches that each process keeps ready."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""As malloc.h numbers them."""
KEPT_BYTES = 1 << 25
"""The largest threshold that the GNU library takes."""

OpenSource = Callable[[], PatchSource]
"""Opens the workspace and all; travels to the processes that prepare patches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Which samples are whose: rank r of the world takes every world-th of each batch from r."""

    batch: int
    """Samples of all ranks together."""
    rank: int = 0
    world: int = 1

    def samples(self, number: int) -> range:
        """Global indices of this rank's samples in a batch."""
        first = number * self.batch
        return range(first + self.rank, first + self.batch, self.world)


def batches(
    open_source: OpenSource, share: Share, numbers: range, workers: int
) -> Iterator[list[Patch]]:
    """This rank's patches of every numbered batch, in order: the same for any ``workers``.

    ``numbers`` may start anywhere. ``workers`` processes prepare patches, a thread where it is 0;
    ``open_source`` is pickled for processes. Raises RuntimeError where one of them dies.
    """
    if not numbers:
        return iter(())
    if workers == 0:
        return _by_thread(open_source(), share, numbers)
    return _by_processes(open_source, share, numbers, workers)


def _by_thread(source: PatchSource, share: Share, numbers: range) -> Iterator[list[Patch]]:
    """The next batch is prepared while this one is used."""

    def prepare(number: int) -> list[Patch]:
        return [source.patch(index) for index in share.samples(number)]

    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = pool.submit(prepare, numbers[0])
        for number in numbers[1:]:
            patches = waiting.result()
            waiting = pool.submit(prepare, number)
            yield patches
        yield waiting.result()


def _by_processes(
    open_source: OpenSource, share: Share, numbers: range, workers: int
) -> Iterator[list[Patch]]:
    # A fork of a process with threads (torch, Arrow, NCCL) may hang. The server that forks instead
    # has no threads, and its children share the memory that the imports take.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    pieces = Pieces(workers)
    loader = DataLoader(
        _Parcels(open_source),
        batch_size=None,  # a parcel is a batch already
        sampler=pieces.orders(share.samples(number) for number in numbers),
        num_workers=workers,
        multiprocessing_context=context,
        prefetch_factor=AHEAD,
        worker_init_fn=_keep_memory,
    )
    for parcel in loader:
        yield pieces.unpack(parcel)


def _keep_memory(_: int) -> None:
    """Let the C library reuse a patch's memory for the next one (measured: 5 to 20 % of the time).

    By its defaults it hands every patch's pages back and has them cleared again.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # the GNU library has it
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
            mallopt(M_TRIM_THRESHOLD, 4 * KEPT_BYTES)


class _Parcels(Dataset[Parcel]):
    """Batches by order; each process opens the source once."""

    def __init__(self, open_source: OpenSource) -> None:
        self._open_source = open_source
        self._source: PatchSource | None = None
        self._packer = Packer()

    def __getitem__(self, order: Order) -> Parcel:
        """The patches of these samples."""
        if self._source is None:
            self._source = self._open_source()
        return self._packer.pack([self._source.patch(n) for n in order.samples], order.piece)
