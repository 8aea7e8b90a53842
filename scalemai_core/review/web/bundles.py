"""What items show, packed for the wire: cut once, ahead of the request where that is possible."""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from scalemai_core.records.lease import Lease
from scalemai_core.review.bundle.cut import cut_bundle
from scalemai_core.review.desk import Desk

FASTEST = 1
GZIP_WINDOW = 31
MOST_WAITING = 64

Key = tuple[str, str]


class Bundles:
    """Packed bundles by item and lease, bounded in bytes; the one used longest ago goes first."""

    def __init__(self, *, most_bytes: float, threads: int) -> None:
        self._most_bytes = most_bytes
        self._closed = False
        self._lock = threading.RLock()  # a future's end is told while the lock may be held
        self._futures: OrderedDict[Key, Future[bytes]] = OrderedDict()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="bundle")

    def get(self, desk: Desk, lease: Lease) -> bytes:
        """The lease's bundle as gzip; cut here and now, unless it is being cut already."""
        key = _key(lease)
        with self._lock:
            known = self._futures.get(key)
            if known is not None and known.cancel():  # it waited its turn behind others
                known = None
            future = known or self._kept(key, Future())
            self._futures.move_to_end(key)
            if known is None:
                future.set_running_or_notify_cancel()
        if known is not None:
            return known.result()
        try:
            future.set_result(pack(desk, lease))
        except BaseException as error:
            future.set_exception(error)
            raise
        return future.result()

    def ahead(self, desk: Desk, leases: Iterable[Lease]) -> None:
        """Begin to cut what will be asked for next."""
        with self._lock:
            if self._closed:
                return
            waiting = sum(not future.done() for future in self._futures.values())
            new = [lease for lease in leases if _key(lease) not in self._futures]
            for lease in new[: max(0, MOST_WAITING - waiting)]:
                self._kept(_key(lease), self._pool.submit(pack, desk, lease))

    def close(self) -> None:
        """Cut no more; what is being cut is finished."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _kept(self, key: Key, future: Future[bytes]) -> Future[bytes]:
        self._futures[key] = future
        future.add_done_callback(lambda done: self._settle(key, done))
        return future

    def _settle(self, key: Key, done: Future[bytes]) -> None:
        """Forget what failed, and let go of the oldest; never of one that is still being cut."""
        with self._lock:
            failed = done.cancelled() or done.exception() is not None
            if failed and self._futures.get(key) is done:
                del self._futures[key]
            sizes = {one: _size(future) for one, future in self._futures.items() if future.done()}
            held = sum(sizes.values())
            for one, size in sizes.items():
                if held <= self._most_bytes:
                    return
                held -= size
                del self._futures[one]


def pack(desk: Desk, lease: Lease) -> bytes:
    """Cut and compress: level 1, since the wire is a local network and the reader waits."""
    view = desk.view(lease.item.item_id)
    raw = cut_bundle(desk.store, lease.item, view, desk.settings)
    return zlib.compress(raw, FASTEST, GZIP_WINDOW)


def _key(lease: Lease) -> Key:
    return lease.item.item_id, lease.lease_id


def _size(future: Future[bytes]) -> int:
    return 0 if future.cancelled() or future.exception() else len(future.result())
