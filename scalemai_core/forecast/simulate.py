"""One stage, shard by shard: workers compute while one store serves them all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TAIL = 1.25
"""A stage this much longer than any resource is busy waits for its last shards."""
NOTHING = 1e-9
"""Seconds or MiB that count as done."""


@dataclass(frozen=True, slots=True)
class Load:
    """A stage's shards: what each costs."""

    seconds: NDArray[np.float64]
    """Of the worker's device, by shard."""
    reading: NDArray[np.float64]
    """Core seconds of decoding and encoding, by shard; 0 where a core works the shard itself."""
    mib: NDArray[np.float64]
    """From the store and to it, by shard."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Who works them."""

    workers: int
    device: str
    """``GPUs`` or ``cores``: what a worker holds."""
    readers: float
    """Cores that decode for one worker."""
    mib_s: float
    """Of the store, for all together."""


def simulate(load: Load, crew: Crew) -> tuple[float, str]:
    """Wall seconds until the last shard is done, and what most of them were waited for.

    A worker takes the next shard when it is free. Reading, computing and writing overlap, so a
    shard is done when its slowest part is; the store is shared equally by those that still move
    bytes. An event is the end of a part of some shard.
    """
    computing = np.maximum(load.seconds, load.reading / crew.readers)
    waiting = list(range(len(computing)))[::-1]
    busy: dict[int, list[float]] = {}
    clock = 0.0
    while waiting or busy:
        while waiting and len(busy) < crew.workers:
            shard = waiting.pop()
            busy[shard] = [float(computing[shard]), float(load.mib[shard])]
        moving = sum(mib > NOTHING for _, mib in busy.values())
        speed = crew.mib_s / max(1, moving)
        left = [seconds for seconds, _ in busy.values() if seconds > NOTHING]
        left += [mib / speed for _, mib in busy.values() if mib > NOTHING]
        step = min(left, default=0.0)
        clock += step
        for part in busy.values():
            part[0] -= step
            part[1] -= step * speed
        busy = {n: part for n, part in busy.items() if max(part) > NOTHING}
    return clock, _limit(load, crew, clock)


def _limit(load: Load, crew: Crew, clock: float) -> str:
    """The resource that is busy longest; none of them where the last shards are waited for."""
    busy = {
        crew.device: float(load.seconds.sum()) / crew.workers,
        "readers": float(load.reading.sum()) / crew.readers / crew.workers,
        "store": float(load.mib.sum()) / crew.mib_s,
    }
    longest = max(busy, key=lambda name: busy[name])
    return "last shards" if clock > TAIL * busy[longest] else longest
