"""The compiled pass over a block of voxels that makes the softmax and measures it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalemai_core.learn.loss.exponential import Bits, Row, exponential, load
from scalemai_core.volume.compiled import compiled_arithmetic

_KEPT = 1 << 17
"""Numbers of kept channels that stay in a core's cache."""
_SHORTEST, _LONGEST = 1 << 10, 1 << 13
"""Voxels of a tile: the more, the longer the runs in which memory is read."""

_ZERO, _ONE, _TINY = np.float32(0.0), np.float32(1.0), np.float32(1e-30)
_SMALL, _LARGE = np.float32(1e-20), np.float32(1e30)
"""Between these a sum of exp is exact without taking the largest logit first."""


class Roles(NamedTuple):
    """What the patch wants of each channel."""

    slot: NDArray[np.int32]
    """(num_channels,) row of the tile that keeps the channel, -1 for one the patch lacks."""
    measured: NDArray[np.bool_]
    """(num_channels,) whether Dice asks for its sum."""
    fixed: NDArray[np.bool_]
    """(num_channels,) whether Dice leaves it alone."""
    held: NDArray[np.bool_]
    """(num_channels,) whether the softmax leaves it out."""
    member: NDArray[np.bool_]
    """(num_sets, num_channels) the sets of several; nothing in those that no voxel has."""


class Voxels(NamedTuple):
    """The fields of ``Found`` that have a number per voxel, and the targets."""

    target: NDArray[np.uint8]
    shift: Row
    scale: Row
    of_allowed: Row


@compiled_arithmetic
def sweep_forward(
    logits: Bits, voxels: Voxels, roles: Roles, block: tuple[int, int], sums: NDArray[np.float64]
) -> None:
    """Fill ``voxels`` in the block; add to ``sums`` (3, num_channels + num_sets).

    They are entropy and probability of what is allowed, by target, and volume by channel.
    """
    kept = room_for(roles.slot)
    total = np.empty(kept.shape[1], dtype=np.float32)
    for first in range(block[0], block[1], kept.shape[1]):
        tile = part_of(voxels, first, min(first + kept.shape[1], block[1]))
        total = total[: tile.target.size]
        tile.shift[:] = _ZERO
        _exponentials(logits, first, roles, tile.shift, (kept, total))
        if not (total.min() > _SMALL and total.max() < _LARGE):
            _largest(logits, first, roles.held, tile.shift)
            _exponentials(logits, first, roles, tile.shift, (kept, total))
        for v in range(total.size):
            tile.scale[v] = _ONE / total[v]
        for channel in range(roles.slot.size):
            if roles.measured[channel]:
                volume = _ZERO
                row = kept[roles.slot[channel]]
                for v in range(total.size):
                    volume += row[v] * tile.scale[v]
                sums[2, channel] += volume
        _allow(tile, roles, kept, total)
        for v in range(total.size):
            target, inside = tile.target[v], tile.of_allowed[v]
            sums[0, target] -= np.log(max(inside, _TINY))
            sums[1, target] += inside


@compiled_arithmetic
def room_for(slot: NDArray[np.int32]) -> NDArray[np.float32]:
    """(kept channels, voxels of a tile) that fit into the cache."""
    num = max(1, slot.max() + 1)
    return np.empty((num, min(_LONGEST, max(_SHORTEST, _KEPT // num))), dtype=np.float32)


@compiled_arithmetic
def part_of(voxels: Voxels, first: int, last: int) -> Voxels:
    """The voxels from first to before last."""
    return Voxels(
        voxels.target[first:last],
        voxels.shift[first:last],
        voxels.scale[first:last],
        voxels.of_allowed[first:last],
    )


@compiled_arithmetic
def _exponentials(
    logits: Bits, first: int, roles: Roles, shift: Row, rooms: tuple[Row, Row]
) -> None:
    slot, (kept, total) = roles.slot, rooms
    row = np.empty(total.size, dtype=np.float32)
    total[:] = _ZERO
    for channel in range(slot.size):
        if roles.held[channel]:
            continue
        load(logits[channel, first : first + total.size], row)
        if slot[channel] >= 0:
            keep = kept[slot[channel]]
            for v in range(total.size):
                keep[v] = exponential(row[v] - shift[v])
                total[v] += keep[v]
        else:
            for v in range(total.size):
                total[v] += exponential(row[v] - shift[v])


@compiled_arithmetic
def _largest(logits: Bits, first: int, held: NDArray[np.bool_], shift: Row) -> None:
    row = np.empty(shift.size, dtype=np.float32)
    load(logits[0, first : first + shift.size], shift)
    for channel in range(1, logits.shape[0]):
        if held[channel]:
            continue
        load(logits[channel, first : first + shift.size], row)
        for v in range(shift.size):
            if row[v] > shift[v]:
                shift[v] = row[v]


@compiled_arithmetic
def _allow(tile: Voxels, roles: Roles, kept: Row, mass: Row) -> None:
    """Fill ``tile.of_allowed``; ``mass`` is room to work in."""
    num = roles.slot.size
    for v in range(mass.size):
        target = tile.target[v]
        if target < num:
            tile.of_allowed[v] = kept[roles.slot[target], v] * tile.scale[v]
    for index in range(roles.member.shape[0]):
        if roles.member[index].any():
            _weigh(roles.member[index], roles.slot, kept, mass)
            for v in range(mass.size):
                if tile.target[v] == num + index:
                    tile.of_allowed[v] = mass[v] * tile.scale[v]


@compiled_arithmetic
def _weigh(member: NDArray[np.bool_], slot: NDArray[np.int32], kept: Row, mass: Row) -> None:
    mass[:] = _ZERO
    for channel in range(slot.size):
        if member[channel]:
            row = kept[slot[channel]]
            for v in range(mass.size):
                mass[v] += row[v]
