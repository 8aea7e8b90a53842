"""Probabilities inside the predicted masks, and along their borders in the slice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalemai_core.learn.channels import LayerChannels
from scalemai_core.learn.predict.sight import Sight
from scalemai_core.learn.predict.threads import summed
from scalemai_core.volume.compiled import compiled

AT_ONCE = 1 << 14
"""Voxels that are summed together."""
Codes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Sums = NDArray[np.float64]


class Edge(NamedTuple):
    """A row of each slice whose neighbours behind are not known yet, (z, x)."""

    channel: Codes
    log_best: Floats
    border: NDArray[np.bool_]
    """Has been found to lie on a border."""


class Borders:
    """Sums over one layer, tile by tile; of every slice the last row waits for its neighbour."""

    def __init__(self, layer: LayerChannels) -> None:
        self._layer = layer
        self._sums = np.zeros((4, layer.num_channels))
        self._last: dict[int, Edge] = {}

    def add(self, z: int, y: int, sight: Sight) -> None:
        """Rows of some slices, ``z`` and ``y`` their first."""
        channel, log_best = sight.channel, sight.log_best
        num_slices, num_rows, width = channel.shape
        last = _edge(sight, -1)
        # Above the first row stands one like it: there is no border between them.
        above = _edge(sight, 0) if y == 0 else self._last[z]
        self._last[z] = last
        self._sums += summed(
            lambda rows, sums: _add(channel, log_best, above, last, (rows.start, rows.stop), sums),
            num_slices * num_rows,
            max(1, AT_ONCE // width),
            self._sums.shape,
        )

    def forget(self) -> None:
        """The slices are complete."""
        self._last.clear()

    def inside(self) -> Mapping[str, float]:
        """Mean probability over the voxels predicted as a structure, for those that have any."""
        return self._means(0)

    def along(self) -> Mapping[str, float]:
        """The same over those along its border."""
        return self._means(2)

    def _means(self, row: int) -> Mapping[str, float]:
        sums, counts = self._sums[row : row + 2].tolist()
        named = enumerate(self._layer.names, start=1)
        return {name: sums[channel] / counts[channel] for channel, name in named if counts[channel]}


def _edge(sight: Sight, row: int) -> Edge:
    channel = sight.channel[:, row].copy()
    return Edge(channel, sight.log_best[:, row].copy(), np.zeros(channel.shape, np.bool_))


@compiled
def _add(
    channel: Codes, log_best: Floats, above: Edge, last: Edge, rows: tuple[int, int], sums: Sums
) -> None:
    """Rows counted slice after slice; with a slice's first those above it are complete."""
    _, height, width = channel.shape
    for row in range(rows[0], rows[1]):
        z, y = row // height, row % height
        if y == 0:
            _complete(z, above, channel[z, 0], sums)
        before = channel[z, y - 1] if y > 0 else above.channel[z]
        own, behind = channel[z, y], channel[z, min(y + 1, height - 1)]
        for x in range(width):
            code = own[x]
            if code == 0:
                continue
            border = before[x] != code or behind[x] != code
            border |= x > 0 and own[x - 1] != code
            border |= x + 1 < width and own[x + 1] != code
            _count(sums[:2], code, log_best[z, y, x])
            if border:
                _count(sums[2:], code, log_best[z, y, x])
            if y == height - 1:
                last.border[z, x] = border


@compiled
def _complete(z: int, above: Edge, behind: Codes, sums: Sums) -> None:
    """Borders between the rows above and those behind them that were not found before."""
    for x in range(behind.size):
        code = above.channel[z, x]
        if code > 0 and code != behind[x] and not above.border[z, x]:
            _count(sums[2:], code, above.log_best[z, x])


@compiled
def _count(sums: Sums, code: int, log_best: np.float32) -> None:
    sums[0, code] += np.exp(np.float64(log_best))
    sums[1, code] += 1.0
