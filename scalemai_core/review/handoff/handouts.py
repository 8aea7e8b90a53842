"""What tools have been given, since when; of this server alone, and of no weight to an answer."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from scalemai_core.records.lease import Lease

_MOST = 10_000
_FETCH_SECONDS = 60.0
"""Within which a tool fetches the image that it was told of."""


@dataclass(slots=True)
class _Handout:
    lease: Lease
    address: str
    since: float
    told: float
    fetched: bool = False


class Handouts:
    """Leases that went to tools."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._given: OrderedDict[str, _Handout] = OrderedDict()

    def give(self, lease: Lease, address: str) -> None:
        """Note that a tool at this address was told of the lease; its time runs from the first."""
        now = self._clock()
        with self._lock:
            known = self._given.pop(lease.lease_id, None)
            since = known.since if known else now
            self._given[lease.lease_id] = _Handout(lease, address, since, now)
            while len(self._given) > _MOST:
                self._given.popitem(last=False)

    def seconds(self, lease: Lease) -> float:
        """How long the item was out; what was expected where that is not known."""
        with self._lock:
            known = self._given.get(lease.lease_id)
        return self._clock() - known.since if known else lease.item.seconds

    def fetched(self, lease_id: str, address: str) -> Lease | None:
        """The lease, once, for the address that was told of it a moment ago."""
        with self._lock:
            known = self._given.get(lease_id)
            late = known is None or self._clock() - known.told > _FETCH_SECONDS
            if known is None or late or known.fetched or known.address != address:
                return None
            known.fetched = True
            return known.lease

    def of(self, reader: str) -> tuple[Lease, ...]:
        """Leases that went to a reader and were not answered."""
        with self._lock:
            return tuple(one.lease for one in self._given.values() if one.lease.reader == reader)

    def end(self, lease_id: str) -> None:
        """The item was answered, or given up."""
        with self._lock:
            self._given.pop(lease_id, None)
