"""Weighted sums of overlapping windows' logits: only what some window still touches is held.

Two buffers. The **band** holds the rows of one row of windows in float32, as a ring along y, so
that nothing is moved when the windows go on to the next rows. What the next level of windows will
touch **waits** as int16 with a scale for every row of voxels: half the memory, and off by at most
1.6e-5 of the row's largest logit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from monai.data.utils import compute_importance_map
from torch import Tensor

from scalemai_core.learn.predict.windows import Windows

LARGEST_CODE = 32767
TINY = 1e-30
"""Scale of a row that is zero."""


class Block(NamedTuple):
    """Whole rows of some slices, complete."""

    z: int
    """First slice of the volume."""
    y: int
    """First row."""
    sums: Tensor
    """(channels, z, y, x) weighted sums of logits."""
    weights: Tensor
    """(z, y, x) summed weights."""

    @property
    def logits(self) -> Tensor:
        """(channels, z, y, x), a new tensor."""
        return self.sums / self.weights


class Sums:
    """All channels of the windows of one row, and what of the level before still waits."""

    def __init__(self, num_channels: int, windows: Windows, device: torch.device) -> None:
        depth, height, _ = windows.patch_zyx
        width = windows.x.length
        self._windows = windows
        self._height = height
        self._weight = compute_importance_map(windows.patch_zyx, mode="gaussian", device=device)
        # The last channel sums the weights.
        self._band = torch.zeros((num_channels + 1, depth, height, width), device=device)
        finished = [windows.z.finished(level) for level in range(len(windows.z.starts) - 1)]
        num_waiting = max((depth - (stop - start) for start, stop in finished), default=0)
        self._waiting = _Waiting(num_channels, (num_waiting, windows.y.length, width), device)

    def add(self, logits: Tensor, y: int, starts: Sequence[int]) -> None:
        """Add (windows, channels, z, y, x) that begin at row ``y`` and at columns ``starts``."""
        for window, x in zip(logits, starts, strict=True):
            columns = slice(x, x + window.shape[-1])
            for ring, own in _ring(y, self._height, self._height):
                weight = self._weight[:, own]
                self._band[-1, :, ring, columns] += weight
                part = self._band[:-1, :, ring, columns]
                if window.dtype == part.dtype:
                    part.addcmul_(window[:, :, own], weight)
                else:  # slice by slice, so that no second copy of a window is made
                    for z in range(len(weight)):
                        part[:, z].addcmul_(window[:, z, own].float(), weight[z])

    def finish(self, level: int, row: int) -> Iterator[Block]:
        """The rows that no window behind this row of windows touches; they hold until the next."""
        z, y, x = self._windows.z, self._windows.y, self._windows.x
        (first, end_z), (start, end) = z.finished(level), y.finished(row)
        complete = z.clip(first, end_z)
        for ring, own in _ring(start, end - start, self._height):
            ready = self._band[:, :, ring]
            rows = slice(start + own.start, start + own.stop)
            self._waiting.add_to(ready, rows, self._num_waiting(level - 1))
            self._waiting.keep(ready[:, end_z - first :], rows, self._num_waiting(level))
            inside = y.clip(rows.start, rows.stop)
            if inside.start < inside.stop:
                sums = ready[
                    :,
                    complete.start - first : complete.stop - first,
                    inside.start - rows.start : inside.stop - rows.start,
                    x.clip(0, x.length),
                ]
                place = (complete.start - z.before, inside.start - y.before)
                yield Block(*place, sums[:-1], sums[-1])
            ready.zero_()

    def _num_waiting(self, level: int) -> int:
        """Slices of a level that the next one touches too."""
        if not 0 <= level < len(self._windows.z.starts) - 1:
            return 0
        start, stop = self._windows.z.finished(level)
        return self._windows.z.window - (stop - start)


class _Waiting:
    """Sums of the last slices of a level, until the next level reaches the same rows."""

    def __init__(
        self, num_channels: int, shape_zyx: tuple[int, int, int], device: torch.device
    ) -> None:
        z, y, x = shape_zyx
        self._codes = torch.empty((num_channels, z, y, x), dtype=torch.int16, device=device)
        self._scales = torch.empty((num_channels, z, y, 1), device=device)
        self._weights = torch.empty((z, y, x), device=device)

    def add_to(self, ready: Tensor, rows: slice, num_slices: int) -> None:
        """Add what waits for some rows to the first slices of (channels + 1, z, y, x) sums."""
        for z in range(num_slices):
            weights = self._weights[z, rows]
            means = self._codes[:, z, rows] * self._scales[:, z, rows]
            ready[:-1, z].addcmul_(means, weights)
            ready[-1, z] += weights

    def keep(self, ready: Tensor, rows: slice, num_slices: int) -> None:
        """Keep the first slices of (channels + 1, z, y, x) sums."""
        for z in range(num_slices):
            # Not the sums: towards a window's edge they become too small for their row's scale.
            means = ready[:-1, z] / ready[-1, z]
            scale = means.abs().amax(dim=-1, keepdim=True).div_(LARGEST_CODE).clamp_min_(TINY)
            self._scales[:, z, rows] = scale
            self._codes[:, z, rows] = means.div_(scale).round_()
            self._weights[z, rows] = ready[-1, z]


def _ring(start: int, num: int, size: int) -> Iterator[tuple[slice, slice]]:
    """Where ``num`` rows from ``start`` on lie in a ring: its rows, and the same among the num."""
    done = 0
    while done < num:
        first = (start + done) % size
        length = min(size - first, num - done)
        yield slice(first, first + length), slice(done, done + length)
        done += length
