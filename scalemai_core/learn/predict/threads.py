"""Compiled loops over parts of a tile, in as many threads as torch may use."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray


def in_threads(work: Callable[[slice], None], num: int, least: int = 1) -> None:
    """Share ``num`` rows among threads; none is started for fewer than ``least`` of them."""
    threads = min(torch.get_num_threads(), num // least)
    if threads <= 1:
        work(slice(0, num))
        return
    ends = [num * part // threads for part in range(threads + 1)]
    parts = [slice(first, end) for first, end in pairwise(ends)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, parts))


def summed(
    add: Callable[[slice, NDArray[np.float64]], None],
    num: int,
    at_once: int,
    shape: tuple[int, ...],
) -> NDArray[np.float64]:
    """What ``add`` adds up over ``num`` rows, ``at_once`` at a time.

    The parts do not depend on the number of threads, and so neither does how sums are rounded.
    """
    num_parts = -(-num // at_once)
    sums = np.zeros((num_parts, *shape))

    def work(parts: slice) -> None:
        for part in range(parts.start, parts.stop):
            add(slice(part * at_once, min((part + 1) * at_once, num)), sums[part])

    in_threads(work, num_parts)
    return sums.sum(axis=0)
