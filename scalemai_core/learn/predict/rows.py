"""Slices with all their channels between rows and columns: what torch has no fast loop for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalemai_core.learn.predict.threads import in_threads
from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.interpolate import interpolate_plane

Floats = NDArray[np.float32]
LEAST_PART = 1 << 14
"""Values that are worth a thread of their own."""


class Lines(NamedTuple):
    """Per line of one grid the two of another that it lies between, and the upper one's weight."""

    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    weight: Floats

    def part(self, chosen: slice, first: int) -> Lines:
        """Some lines, the other grid's counted from ``first`` on."""
        lower, upper = self.lower[chosen] - first, self.upper[chosen] - first
        return Lines(lower, upper, self.weight[chosen])


def stretch(slices: Tensor, y: Lines, x: Lines) -> Tensor:
    """(channels, y, x) float32 interpolated between its rows and its columns; a new tensor."""
    if not y.weight.any() and not x.weight.any() and len(x.lower) == slices.shape[2]:
        first, stop = int(y.lower[0]), int(y.lower[-1]) + 1
        if stop - first == len(y.lower):
            return slices[:, first:stop]
    if slices.device.type != "cpu":
        return _stretch_by_torch(slices, y, x)
    values = slices.numpy()
    stretched = np.empty((len(values), len(y.lower), len(x.lower)), np.float32)
    least = -(-LEAST_PART // stretched[0].size)
    in_threads(lambda part: _stretch(values[part], y, x, stretched[part]), len(values), least)
    return torch.from_numpy(stretched)


def _stretch_by_torch(slices: Tensor, y: Lines, x: Lines) -> Tensor:
    lower_y, upper_y, weight_y = (torch.from_numpy(each).to(slices.device) for each in y)
    lower_x, upper_x, weight_x = (torch.from_numpy(each).to(slices.device) for each in x)
    rows = torch.lerp(slices[:, lower_y], slices[:, upper_y], weight_y[:, None])
    return torch.lerp(rows[:, :, lower_x], rows[:, :, upper_x], weight_x)


@compiled
def _stretch(values: Floats, y: Lines, x: Lines, stretched: Floats) -> None:
    row_x = np.empty(values.shape[2], np.float32)
    for channel in range(values.shape[0]):
        interpolate_plane(values[channel], y, x, row_x, stretched[channel])
