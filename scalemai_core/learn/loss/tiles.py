"""One layer's marginal softmax loss on a CPU: compiled passes over tiles that stay in the cache.

What a patch does not hold costs one exp and one sum on the way there, one exp and one product on
the way back; only structures that it holds are kept and measured. Blocks of voxels go to as many
threads as torch has, and their sums are added in order: the result does not depend on the threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalemai_core.learn.loss.slope import Pulls, sweep_back
from scalemai_core.learn.loss.softmax import Found, Slopes
from scalemai_core.learn.loss.sweep import Roles, Voxels, sweep_forward
from scalemai_core.learn.loss.target import LayerTarget

DTYPES = (torch.float32, torch.bfloat16)

BLOCK = 1 << 15
"""Voxels that a thread takes at a time."""


def forward(logits: Tensor, target: LayerTarget, measured: Tensor, pull: Tensor) -> Found:
    """``logits`` (num_channels, voxels) of one of ``DTYPES``; ``pull`` weighs voxels by target."""
    num = target.num_channels
    roles = _roles(target, measured)
    voxels = _voxels(target, *(torch.empty(logits.shape[1]) for _ in range(3)))
    rows = _rows(logits)
    sums = np.zeros((-(-rows.shape[1] // BLOCK), 3, len(target.voxels)))

    def sweep(block: int, first: int, last: int) -> None:
        sweep_forward(rows, voxels, roles, (first, last), sums[block])

    _over_blocks(rows.shape[1], sweep)
    entropy, overlap, volume = torch.from_numpy(sums.sum(axis=0))
    return Found(
        (entropy * pull).sum(),
        overlap[:num],
        volume[:num],
        *(torch.from_numpy(each) for each in (voxels.shift, voxels.scale, voxels.of_allowed)),
    )


def backward(
    logits: Tensor, target: LayerTarget, found: Found, slopes: Slopes, gradient: Tensor
) -> None:
    """Fill ``gradient``, (num_channels, voxels) of the logits' type."""
    roles = _roles(target, slopes.by_volume != 0)
    voxels = _voxels(target, found.shift, found.scale, found.of_allowed)
    rows, own = _rows(logits), _rows(gradient)
    pulls = Pulls(*(each.numpy() for each in slopes))

    def sweep(_: int, first: int, last: int) -> None:
        sweep_back(rows, voxels, roles, (first, last), pulls, own)

    _over_blocks(rows.shape[1], sweep)


def _rows(logits: Tensor) -> NDArray[Any]:
    """float32, or the bits of bfloat16, which NumPy lacks."""
    if logits.dtype is torch.bfloat16:
        return logits.contiguous().view(torch.int16).numpy().view(np.uint16)
    return logits.contiguous().numpy()


def _roles(target: LayerTarget, measured: Tensor) -> Roles:
    voxels = target.voxels.numpy()
    num = target.num_channels
    member = np.zeros((len(target.sets), num), dtype=np.bool_)
    for index, each in enumerate(target.sets):
        member[index, each.numpy()] = voxels[num + index] > 0
    kept = measured.numpy() | (voxels[:num] > 0) | member.any(axis=0)
    slot = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
    return Roles(slot, measured.numpy(), target.fixed.numpy(), target.held.numpy(), member)


def _voxels(target: LayerTarget, *numbers: Tensor) -> Voxels:
    return Voxels(target.target.numpy(), *(each.numpy() for each in numbers))


def _over_blocks(num_voxels: int, sweep: Callable[[int, int, int], None]) -> None:
    """Call ``sweep`` with number, first and last voxel of every block, on torch's threads."""
    starts = range(0, num_voxels, BLOCK)
    lasts = (min(first + BLOCK, num_voxels) for first in starts)
    blocks = zip(range(len(starts)), starts, lasts, strict=True)
    threads = min(torch.get_num_threads(), len(starts))
    if threads == 1:
        for block in blocks:
            sweep(*block)
        return
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(sweep, *block) for block in blocks]:
            done.result()
