"""The lesion layer's probabilities as log-odds codes, taken while they are streamed."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from scalemai_core.learn.channels import LayerChannels
from scalemai_core.records.grid import Grid
from scalemai_core.volume.lesion_odds import LesionOdds
from scalemai_core.volume.log_odds import encode

FLOOR = 1e-6
"""Probability below which nothing is kept: lower than any threshold that somebody could work with.
Ours."""


class Suspicion:
    """Takes (channels, slices, y, x) probabilities at the network's spacing, from the first on."""

    def __init__(self, layer: LayerChannels, grid: Grid) -> None:
        self._layer = layer
        self._grid = grid
        self._codes_zyx = np.zeros(grid.shape_zyx, dtype=np.uint8)
        self._types_zyx = np.zeros(grid.shape_zyx, dtype=np.uint8)
        self._next = 0

    def add(self, probabilities: Tensor) -> None:
        """The next slices, all layers' channels."""
        own = probabilities[self._layer.span][1:]
        # Of many small numbers the sum is exact where one minus the background is not.
        codes_zyx = encode(own.sum(dim=0).cpu().numpy(), floor=FLOOR)
        types_zyx = self._layer.ids[1:][own.argmax(dim=0).cpu().numpy()]
        there = slice(self._next, self._next + len(codes_zyx))
        self._codes_zyx[there] = codes_zyx
        self._types_zyx[there] = np.where(codes_zyx > 0, types_zyx, np.uint8(0))
        self._next = there.stop

    def odds(self) -> LesionOdds:
        """All slices; raises ValueError if some are missing."""
        if self._next != len(self._codes_zyx):
            raise ValueError(f"{self._next} of {len(self._codes_zyx)} slices were predicted")
        return LesionOdds(self._codes_zyx, self._types_zyx, self._grid)
