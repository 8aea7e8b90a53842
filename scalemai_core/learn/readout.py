"""From streamed probabilities to label maps on the scan's own grid, a few slices at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalemai_core.learn.channels import Channels, LayerChannels
from scalemai_core.learn.suspicion import Suspicion
from scalemai_core.learn.windows import resize_slices
from scalemai_core.learn.witness import Block, Testimony, Witness
from scalemai_core.records.evidence import Evidence
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.volume.lesion_odds import LesionOdds

MAX_VALUES = 1 << 26
"""Probabilities held at the scan's own resolution at a time."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model sees in a scan."""

    labels: dict[Layer, LabelsZYX]
    """One label map a layer, on the scan's grid."""
    confidence: dict[str, float]
    """Mean probability over the voxels predicted as a structure, for those predicted at all."""
    evidence: tuple[dict[str, Evidence], ...] = ()
    """For each annotation read along: what the probabilities say of its structures."""
    lesions: LesionOdds | None = None
    """What it gives lesions, on the network's own grid; None for a model that knows none."""


class Readout:
    """Takes probabilities slice by slice from the first on; ``prediction`` when all were given.

    They lie on the grid ``inner``, the label maps on the scan's own, ``shape_zyx``. Annotations
    ``beside`` the scan (label maps on its grid, by layer) are read along.
    """

    def __init__(
        self,
        channels: Channels,
        shape_zyx: tuple[int, int, int],
        inner: Grid,
        beside: Sequence[Mapping[Layer, LabelsZYX]] = (),
    ) -> None:
        self._channels = channels
        self._shape_zyx = shape_zyx
        self._num_slices = inner.shape_zyx[0]
        self._first = 0
        self._held: Tensor | None = None
        self._next_native = 0
        self._labels = {
            layer.layer: np.zeros(shape_zyx, dtype=np.uint8) for layer in channels.layers
        }
        self._sums = {
            layer.layer: torch.zeros(4, layer.num_channels, dtype=torch.float64)
            for layer in channels.layers
        }
        self._suspicions = [
            Suspicion(layer, inner) for layer in channels.layers if layer.layer is Layer.LESIONS
        ]
        empty_zyx = np.zeros(shape_zyx, dtype=np.uint8)
        self._witnesses = [
            {
                layer.layer: Witness(labels.get(layer.layer, empty_zyx), layer)
                for layer in channels.layers
            }
            for labels in beside
        ]

    def add(self, probabilities: Tensor) -> None:
        """The next slices, (channels, slices, y, x) at the network's spacing."""
        for suspicion in self._suspicions:
            suspicion.add(probabilities)
        held = probabilities if self._held is None else torch.cat([self._held, probabilities], 1)
        end = self._first + held.shape[1]
        lower, upper, weight = _neighbours(self._shape_zyx[0], self._num_slices)
        ready = int(np.searchsorted(upper, end))
        for layer in self._channels.layers:
            per_slice = layer.num_channels * self._shape_zyx[1] * self._shape_zyx[2]
            at_once = max(1, MAX_VALUES // per_slice)
            for z in range(self._next_native, ready, at_once):
                chosen = slice(z, min(z + at_once, ready))
                block = _between(
                    held[layer.span],
                    lower[chosen] - self._first,
                    upper[chosen] - self._first,
                    weight[chosen],
                )
                self._read(layer, z, block)
        self._next_native = ready
        self._held = held[:, -1:].clone()
        self._first = end - 1

    def prediction(self) -> Prediction:
        """All label maps; raises ValueError if slices are missing."""
        if self._next_native != self._shape_zyx[0]:
            raise ValueError(f"{self._next_native} of {self._shape_zyx[0]} slices were predicted")
        inside, border = self._means(0, 1), self._means(2, 3)
        testimonies = [
            {
                name: said
                for witness in witnesses.values()
                for name, said in witness.testimony().items()
            }
            for witnesses in self._witnesses
        ]
        evidence = tuple(
            {name: _evidence(said, name, inside, border) for name, said in testimony.items()}
            for testimony in testimonies
        )
        lesions = next((suspicion.odds() for suspicion in self._suspicions), None)
        return Prediction(self._labels, inside, evidence, lesions)

    def _means(self, total: int, voxels: int) -> dict[str, float]:
        """Means of the structures that have voxels."""
        means: dict[str, float] = {}
        for layer in self._channels.layers:
            sums, counts = self._sums[layer.layer][[total, voxels]].tolist()
            for channel, name in enumerate(layer.names, start=1):
                if counts[channel]:
                    means[name] = sums[channel] / counts[channel]
        return means

    def _read(self, layer: LayerChannels, z: int, block: Tensor) -> None:
        """The most probable structure of every voxel of (slices, channels, y, x)."""
        probabilities = resize_slices(block, *self._shape_zyx[1:])
        best, channel = probabilities.max(dim=1)
        self._sum(layer, best, channel)
        self._labels[layer.layer][z : z + len(block)] = layer.ids[channel.cpu().numpy()]
        if self._witnesses:
            entropy = torch.special.entr(probabilities).sum(dim=1)
            seen = Block(z, probabilities, best, channel, entropy)
            for witnesses in self._witnesses:
                witnesses[layer.layer].see(seen)

    def _sum(self, layer: LayerChannels, best: Tensor, channel: Tensor) -> None:
        """Probabilities inside the predicted masks, and along their borders in the slice."""
        sums, num = self._sums[layer.layer], layer.num_channels
        border = _border(channel)
        for row, where in ((0, slice(None)), (2, border)):
            codes, values = channel[where].flatten(), best[where].flatten()
            sums[row] += torch.bincount(codes, weights=values.double(), minlength=num).cpu()
            sums[row + 1] += torch.bincount(codes, minlength=num).cpu()


def _evidence(
    said: Testimony, name: str, inside: Mapping[str, float], border: Mapping[str, float]
) -> Evidence:
    return Evidence(
        loglik_current=said.loglik_current,
        loglik_prediction=said.loglik_prediction,
        entropy=said.entropy,
        boundary_confidence=border.get(name),
        confidence=inside.get(name),
    )


def _border(channel: Tensor) -> Tensor:
    """(slices, y, x) voxels with a neighbour of another channel in their slice."""
    border = torch.zeros_like(channel, dtype=torch.bool)
    for axis in (1, 2):
        size = channel.shape[axis]
        lower, upper = channel.narrow(axis, 0, size - 1), channel.narrow(axis, 1, size - 1)
        differs = lower != upper
        border.narrow(axis, 0, size - 1).logical_or_(differs)
        border.narrow(axis, 1, size - 1).logical_or_(differs)
    return border


def _neighbours(
    num_native: int, num_slices: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Per native slice the two slices it lies between, and the weight of the upper one."""
    centre = (np.arange(num_native) + 0.5) * num_slices / num_native - 0.5
    centre = np.clip(centre, 0, num_slices - 1)
    lower = np.floor(centre).astype(np.int64)
    upper = np.ceil(centre).astype(np.int64)
    return lower, upper, (centre - lower).astype(np.float32)


def _between(
    slices: Tensor, lower: NDArray[np.int64], upper: NDArray[np.int64], weight: NDArray[np.float32]
) -> Tensor:
    """(slices, channels, y, x) interpolated along z."""
    moved = slices.movedim(1, 0)
    if not weight.any():
        return moved[torch.from_numpy(lower).to(slices.device)]
    at = torch.from_numpy(weight).to(slices.device)[:, None, None, None]
    low = moved[torch.from_numpy(lower).to(slices.device)]
    return torch.lerp(low, moved[torch.from_numpy(upper).to(slices.device)], at)
