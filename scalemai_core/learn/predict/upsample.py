"""Blended logits from the network's grid to the scan's own, some rows of a slice at a time.

Both grids cover the same box. Values are interpolated along z, then y and x; what the next block
needs of this one, its last slice and its last row, is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from scalemai_core.learn.predict.between import neighbours
from scalemai_core.learn.predict.rows import Lines, stretch
from scalemai_core.learn.predict.sums import Block

Triple = tuple[int, int, int]


FEW = 1 << 14
"""Voxels that are handed on together, where a slice has fewer."""


class Tile(NamedTuple):
    """Some rows of the scan's own grid, of one slice or of several small ones.

    Slices that come together do so in all their rows. Holds until the next is asked for.
    """

    z: int
    """First slice."""
    y: int
    """First row."""
    logits: Tensor
    """(channels, z, y, x)"""


class Upsampler:
    """Takes blocks in order; what it gives equals one interpolation of the whole volume."""

    def __init__(self, inner_zyx: Triple, native_zyx: Triple) -> None:
        self._inner_zyx = inner_zyx
        self._z, self._y, self._x = (
            Lines(*neighbours(native, inner))
            for native, inner in zip(native_zyx, inner_zyx, strict=True)
        )
        self._at_once = max(1, FEW // (native_zyx[1] * native_zyx[2]))
        self._above: Tensor | None = None
        """(channels, y, x) last slice of the level before."""
        self._beside: Tensor | None = None
        """(channels, slices + 1, x) last row of the band before, its slice above first."""

    def slices(self, first: int, stop: int) -> tuple[int, int]:
        """The scan's slices that are complete with the inner slices from ``first`` to ``stop``."""
        start, end = np.searchsorted(self._z.upper, [first, stop]).tolist()
        return start, end

    def tiles(self, block: Block) -> Iterator[Tile]:
        """The tiles that are complete with this block."""
        waiting: list[Tile] = []
        for tile in self._slices(block):
            waiting.append(tile)
            if len(waiting) == self._at_once:
                yield _together(waiting)
                waiting = []
        if waiting:
            yield _together(waiting)

    def _slices(self, block: Block) -> Iterator[Tile]:
        num_slices, num_rows, _ = block.weights.shape
        if block.y == 0:
            self._beside = None
        start, end = np.searchsorted(self._y.upper, [block.y, block.y + num_rows]).tolist()
        rows = self._y.part(slice(start, end), block.y - (self._beside is not None))
        last_rows = block.sums.new_empty((len(block.sums), num_slices + 1, block.sums.shape[-1]))
        previous = self._slice_above(block)
        if previous is not None:
            last_rows[:, 0] = previous[:, -1]
        for at in range(num_slices):
            current = self._slice(block, at)
            last_rows[:, at + 1] = current[:, -1]
            for z in range(*self.slices(block.z + at, block.z + at + 1)):
                weight = float(self._z.weight[z])
                mixed = current if weight == 0 else torch.lerp(previous, current, weight)  # pyright: ignore[reportArgumentType, reportCallIssue] - between two slices there is a lower one
                if end > start:
                    yield Tile(z, start, stretch(mixed, rows, self._x)[:, None])
            previous = current
        self._keep(block, previous, last_rows)

    def _slice(self, block: Block, at: int) -> Tensor:
        """Blended logits of a block's slice, the row before it first where there is one."""
        if self._beside is None:
            return block.sums[:, at] / block.weights[at]
        beside = self._beside[:, at + 1]
        mean = beside.new_empty((len(beside), block.sums.shape[2] + 1, beside.shape[1]))
        mean[:, 0] = beside
        torch.div(block.sums[:, at], block.weights[at], out=mean[:, 1:])
        return mean

    def _slice_above(self, block: Block) -> Tensor | None:
        """The same rows of the slice before the block's first; None at the first slice."""
        if self._above is None or block.z == 0:
            return None
        own = self._above[:, block.y : block.y + block.sums.shape[2]]
        if self._beside is None:
            return own.clone()
        return torch.cat([self._beside[:, :1], own], dim=1)

    def _keep(self, block: Block, last: Tensor | None, last_rows: Tensor) -> None:
        if last is None:
            return
        if self._above is None:
            self._above = last.new_empty((len(last), *self._inner_zyx[1:]))
        num_rows = block.sums.shape[2]
        self._above[:, block.y : block.y + num_rows] = last[:, -num_rows:]
        self._beside = last_rows


def _together(tiles: list[Tile]) -> Tile:
    if len(tiles) == 1:
        return tiles[0]
    return tiles[0]._replace(logits=torch.cat([tile.logits for tile in tiles], dim=1))
