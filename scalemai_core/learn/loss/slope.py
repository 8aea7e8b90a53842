"""The compiled pass over a block of voxels that makes the gradient."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scalemai_core.learn.loss.exponential import Bits, Row, exponential, load, store
from scalemai_core.learn.loss.sweep import Roles, Voxels, part_of, room_for
from scalemai_core.volume.compiled import compiled_arithmetic

_ZERO, _TINY = np.float32(0.0), np.float32(1e-30)


class Pulls(NamedTuple):
    """``Slopes`` as arrays."""

    by_volume: Row
    by_overlap: Row
    pull: Row


class _Aim(NamedTuple):
    """A tile's voxels: what every channel's gradient has in common, over its probability."""

    level: Row
    """Pull of the softmax, less what Dice asks of all channels."""
    pull: Row
    """Pull of the softmax alone."""
    share: Row
    """What a set's members are spared of it."""
    label: Row
    """What the one allowed channel gets on top, already times its probability."""
    scaled: Row
    """``level`` times ``Voxels.scale``."""


@compiled_arithmetic
def sweep_back(
    logits: Bits, voxels: Voxels, roles: Roles, block: tuple[int, int], pulls: Pulls, gradient: Bits
) -> None:
    """Fill the block's part of ``gradient`` (num_channels, voxels)."""
    kept = room_for(roles.slot)
    room = np.empty((6, kept.shape[1]), dtype=np.float32)
    for first in range(block[0], block[1], kept.shape[1]):
        last = min(first + kept.shape[1], block[1])
        tile = part_of(voxels, first, last)
        size = last - first
        aim = _Aim(room[0, :size], room[1, :size], room[2, :size], room[3, :size], room[4, :size])
        row = room[5, :size]
        _keep(logits[:, first:last], tile, roles, pulls.by_volume, (kept, aim.level, row))
        _take_aim(tile, roles.slot.size, pulls, aim)
        for channel in range(roles.slot.size):
            if roles.held[channel]:
                row[:] = _ZERO
            elif roles.slot[channel] >= 0:
                _kept_slope(tile, roles, (channel, pulls.by_volume[channel]), kept, (aim, row))
            else:
                load(logits[channel, first:last], row)
                _slope(tile, roles.fixed[channel], aim, row)
            store(row, gradient[channel, first:last])
        _correct(tile, roles, pulls.by_volume, (aim, row), gradient[:, first:last])


@compiled_arithmetic
def _keep(
    logits: Bits, tile: Voxels, roles: Roles, by_volume: Row, rooms: tuple[Row, Row, Row]
) -> None:
    """Probabilities of the patch's channels, and the mean of what Dice asks of them."""
    kept, mean, row = rooms
    mean[:] = _ZERO
    for channel in range(roles.slot.size):
        if roles.slot[channel] >= 0:
            keep, weight = kept[roles.slot[channel]], by_volume[channel]
            load(logits[channel], row)
            for v in range(row.size):
                keep[v] = exponential(row[v] - tile.shift[v]) * tile.scale[v]
                mean[v] += weight * keep[v]


@compiled_arithmetic
def _take_aim(tile: Voxels, num_channels: int, pulls: Pulls, aim: _Aim) -> None:
    """Fill ``aim``, whose level holds the mean of what Dice asks."""
    for v in range(tile.target.size):
        target, inside = tile.target[v], tile.of_allowed[v]
        pull = pulls.pull[target]
        aim.pull[v] = pull
        if target < num_channels:
            at_label = pulls.by_overlap[target] * inside
            aim.share[v] = _ZERO
            aim.label[v] = at_label - pull
        else:
            at_label = _ZERO
            aim.share[v] = pull / (max(inside, _TINY))
            aim.label[v] = _ZERO
        aim.level[v] = pull - aim.level[v] - at_label
    for v in range(tile.target.size):
        aim.scaled[v] = aim.level[v] * tile.scale[v]


@compiled_arithmetic
def _slope(tile: Voxels, fixed: np.bool_, aim: _Aim, row: Row) -> None:
    """Turn logits into the gradient of a channel that the patch does not hold."""
    if fixed:
        for v in range(row.size):
            row[v] = exponential(row[v] - tile.shift[v]) * tile.scale[v] * aim.pull[v]
    else:
        for v in range(row.size):
            row[v] = exponential(row[v] - tile.shift[v]) * aim.scaled[v]


@compiled_arithmetic
def _kept_slope(
    tile: Voxels, roles: Roles, of: tuple[int, np.float32], kept: Row, rooms: tuple[_Aim, Row]
) -> None:
    """The gradient of a channel that the patch holds, where it is not the one allowed."""
    channel, by_volume = of
    aim, row = rooms
    keep = kept[roles.slot[channel]]
    level = aim.pull if roles.fixed[channel] else aim.level
    for v in range(row.size):
        row[v] = keep[v] * (level[v] + by_volume)
    for index in range(roles.member.shape[0]):
        if roles.member[index, channel]:
            for v in range(row.size):
                if tile.target[v] == roles.slot.size + index:
                    row[v] -= keep[v] * aim.share[v]


@compiled_arithmetic
def _correct(
    tile: Voxels, roles: Roles, by_volume: Row, rooms: tuple[_Aim, Row], gradient: Bits
) -> None:
    """Write the gradient of each voxel's one allowed channel."""
    aim, row = rooms
    for v in range(row.size):
        target = tile.target[v]
        if target < roles.slot.size:
            level = aim.pull[v] if roles.fixed[target] else aim.level[v]
            row[v] = tile.of_allowed[v] * (level + by_volume[target]) + aim.label[v]
            store(row[v : v + 1], gradient[target, v : v + 1])
