"""The lesion layer's logits as log-odds codes, taken while they are streamed."""

from __future__ import annotations

import numpy as np

from scalemai_core.learn.channels import LayerChannels
from scalemai_core.learn.predict.sight import best_channels
from scalemai_core.learn.predict.sums import Block
from scalemai_core.records.grid import Grid
from scalemai_core.volume.lesion_odds import LesionOdds
from scalemai_core.volume.log_odds import encode

FLOOR = 1e-6
"""Probability below which nothing is kept: lower than any threshold that somebody could work with.
Ours."""


class Suspicion:
    """Takes blocks of logits at the network's spacing, whole slices from the first on."""

    def __init__(self, layer: LayerChannels, grid: Grid) -> None:
        self._layer = layer
        self._grid = grid
        self._codes_zyx = np.zeros(grid.shape_zyx, dtype=np.uint8)
        self._types_zyx = np.zeros(grid.shape_zyx, dtype=np.uint8)
        self._num_voxels = 0

    def add(self, block: Block) -> None:
        """The next rows, all layers' channels."""
        span = self._layer.span
        own = (block.sums[span] / block.weights).softmax(dim=0)[1:]
        # Of many small numbers the sum is exact where one minus the background is not.
        codes_zyx = encode(own.sum(dim=0).cpu().numpy(), floor=FLOOR)
        types_zyx = self._layer.ids[1:][best_channels(own)]
        z, y, _ = codes_zyx.shape
        there = np.s_[block.z : block.z + z, block.y : block.y + y]
        self._codes_zyx[there] = codes_zyx
        self._types_zyx[there] = np.where(codes_zyx > 0, types_zyx, np.uint8(0))
        self._num_voxels += codes_zyx.size

    def odds(self) -> LesionOdds:
        """All slices; raises ValueError if some are missing."""
        if self._num_voxels != self._codes_zyx.size:
            raise ValueError(f"{self._num_voxels} of {self._codes_zyx.size} voxels were predicted")
        return LesionOdds(self._codes_zyx, self._types_zyx, self._grid)
