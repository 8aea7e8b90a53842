"""What logits say of every voxel of a tile: the softmax is measured run by run, never stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalemai_core.learn.loss.exponential import exponential
from scalemai_core.learn.predict.threads import in_threads
from scalemai_core.volume.compiled import compiled, compiled_arithmetic

Floats = NDArray[np.float32]
Codes = NDArray[np.uint8]
Part = tuple[int, int]
"""Voxels, from first to behind last."""
RUN = 1024
"""Voxels that are looked at together: what is kept of them stays in the processor's first cache."""
LEAST_PART = 1 << 14
"""Voxels that are worth a thread of their own."""
LOWEST = np.float32(-87.0)
"""So far below the greatest a logit's probability is nothing."""


class Members(NamedTuple):
    """The channels of codes: of code c ``channels[starts[c] : starts[c + 1]]``."""

    starts: NDArray[np.int64]
    channels: NDArray[np.int64]

    @classmethod
    def of(cls, groups: Sequence[Sequence[int]]) -> Members:
        """The channels of code 0, 1, ..."""
        starts = np.cumsum([0, *map(len, groups)], dtype=np.int64)
        return cls(starts, np.array([each for group in groups for each in group], np.int64))


class Columns(NamedTuple):
    """What is kept per voxel, one behind the other."""

    channel: Codes
    log_best: Floats
    entropy: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """Rows of some slices, (z, y, x), of one layer."""

    logits: Tensor
    """(channels, z, y, x)"""
    channel: Codes
    """The most probable, the first of equals."""
    log_best: Floats
    """Log of its probability; undefined where nobody sees a structure."""
    entropy: Floats
    """In nats, over the layer's channels; undefined likewise."""

    @classmethod
    def of(cls, logits: Tensor, noted: Codes) -> Sight:
        """``noted`` (z, y, x) is not 0 where some annotation sees a structure."""
        if logits.device.type != "cpu":
            return cls.by_torch(logits)
        shape = noted.shape
        channel, log_best = np.empty(shape, np.uint8), np.empty(shape, np.float32)
        sight = cls(logits.contiguous(), channel, log_best, np.empty(shape, np.float32))
        values, columns, noted = sight.values, sight.columns, noted.ravel()
        in_threads(
            lambda part: _look(values, (part.start, part.stop), noted, columns),
            noted.size,
            LEAST_PART,
        )
        return sight

    @property
    def values(self) -> Floats:
        """(channels, voxels) of logits on the CPU."""
        return self.logits.numpy().reshape(len(self.logits), -1)

    @property
    def columns(self) -> Columns:
        """What is known of the voxels, flat."""
        return Columns(self.channel.ravel(), self.log_best.ravel(), self.entropy.ravel())

    def log_of(self, codes: Codes, members: Members) -> Floats:
        """(voxels,) log of the summed probability of a code's channels; 0 for code 0."""
        if self.logits.device.type != "cpu":
            return self.log_by_torch(codes, members)
        found = np.zeros(codes.size, np.float32)
        values, columns = self.values, self.columns
        in_threads(
            lambda part: _log_of(values, (part.start, part.stop), columns, codes, members, found),
            codes.size,
            LEAST_PART,
        )
        return found

    @classmethod
    def by_torch(cls, logits: Tensor) -> Sight:
        """The same on any device; what is kept of it lies on the CPU."""
        log_p = logits.log_softmax(dim=0)
        entropy = torch.special.entr(log_p.exp()).sum(dim=0)
        log_best = log_p.amax(dim=0).cpu().numpy()
        return cls(logits, best_channels(logits), log_best, entropy.cpu().numpy())

    def log_by_torch(self, codes: Codes, members: Members) -> Floats:
        """``log_of`` on any device."""
        values = self.logits.flatten(1)
        found = torch.zeros(values.shape[1], device=values.device)
        where = torch.from_numpy(codes).to(values.device)
        for code in filter(None, np.unique(codes).tolist()):
            own = members.channels[members.starts[code] : members.starts[code + 1]]
            chosen = where == code
            of_code = values[:, chosen]
            log_p = of_code[torch.from_numpy(own).to(values.device)].logsumexp(dim=0)
            found[chosen] = log_p - of_code.logsumexp(dim=0)
        return found.cpu().numpy()


def best_channels(logits: Tensor) -> Codes:
    """(channels, z, y, x) -> (z, y, x): the channel of the greatest value, the first of equals."""
    if logits.device.type != "cpu":
        return logits.argmax(dim=0).to(torch.uint8).cpu().numpy()
    channel = np.empty(logits.shape[1:], np.uint8)
    values, found = logits.contiguous().numpy().reshape(len(logits), -1), channel.ravel()
    in_threads(lambda part: _best(values, (part.start, part.stop), found), found.size, LEAST_PART)
    return channel


@compiled
def _best(values: Floats, part: Part, channel: Codes) -> None:
    greatest, number = np.empty(RUN, np.float32), np.empty(RUN, np.int32)
    for first in range(part[0], part[1], RUN):
        stop = min(first + RUN, part[1])
        _find_greatest(values, first, stop, greatest, number)
        for at in range(stop - first):
            channel[first + at] = number[at]


@compiled
def _find_greatest(
    values: Floats, first: int, stop: int, greatest: Floats, number: NDArray[np.int32]
) -> None:
    greatest[: stop - first] = values[0, first:stop]
    number[: stop - first] = 0
    for channel in range(1, values.shape[0]):
        own = values[channel, first:stop]
        for at in range(stop - first):
            higher = own[at] > greatest[at]
            greatest[at] = own[at] if higher else greatest[at]
            number[at] = channel if higher else number[at]


@compiled
def _look(values: Floats, part: Part, noted: Codes, columns: Columns) -> None:
    greatest, number = np.empty(RUN, np.float32), np.empty(RUN, np.int32)
    total, moment = np.empty(RUN, np.float32), np.empty(RUN, np.float32)
    for first in range(part[0], part[1], RUN):
        stop = min(first + RUN, part[1])
        _find_greatest(values, first, stop, greatest, number)
        # Of the run only what lies between the first and the last voxel of a structure.
        low, high = stop - first, 0
        for at in range(stop - first):
            columns.channel[first + at] = number[at]
            if number[at] > 0 or noted[first + at] > 0:
                low, high = min(low, at), at + 1
        if low < high:
            length = high - low
            _measure(values, first + low, greatest[low:high], total[:length], moment[:length])
            for at in range(length):
                log_total = np.log(total[at])
                columns.log_best[first + low + at] = -log_total
                columns.entropy[first + low + at] = log_total - moment[at] / total[at]


@compiled_arithmetic
def _measure(values: Floats, first: int, greatest: Floats, total: Floats, moment: Floats) -> None:
    """Sums over channels of exp(below) and below * exp(below), below the greatest."""
    total[:] = np.float32(0)
    moment[:] = np.float32(0)
    for channel in range(values.shape[0]):
        own = values[channel, first : first + greatest.size]
        for at in range(greatest.size):
            below = own[at] - greatest[at]
            if below < LOWEST:
                below = LOWEST
            weight = exponential(below)
            total[at] += weight
            moment[at] += weight * below


@compiled
def _log_of(
    values: Floats, part: Part, columns: Columns, codes: Codes, members: Members, found: Floats
) -> None:
    for at in range(part[0], part[1]):
        code = codes[at]
        if code == 0:
            continue
        first, stop = members.starts[code], members.starts[code + 1]
        greatest = values[columns.channel[at], at]
        if stop - first == 1:
            of_code = values[members.channels[first], at] - greatest
        else:
            total = 0.0
            for number in range(first, stop):
                total += np.exp(np.float64(values[members.channels[number], at] - greatest))
            of_code = np.float32(np.log(total))
        found[at] = of_code + columns.log_best[at]
