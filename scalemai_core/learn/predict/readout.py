"""From streamed logits to label maps on the scan's own grid, slices as they are complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from scalemai_core.learn.channels import Channels, LayerChannels
from scalemai_core.learn.predict.borders import Borders
from scalemai_core.learn.predict.sight import Sight, best_channels
from scalemai_core.learn.predict.sums import Block
from scalemai_core.learn.predict.suspicion import Suspicion
from scalemai_core.learn.predict.upsample import Tile, Upsampler
from scalemai_core.learn.predict.witness import Testimony, Witness
from scalemai_core.records.evidence import Evidence
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.volume.lesion_odds import LesionOdds

Labels = dict[Layer, LabelsZYX]
TakesLabels = Callable[[Labels], None]
"""Is given the next slices of every layer, from the first on."""
UsedIds = Mapping[Layer, NDArray[np.intp]]
"""The ids that each label map of an annotation holds."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model sees in a scan, beside the label maps."""

    evidence: tuple[dict[str, Evidence], ...]
    """For each annotation read along: what the probabilities say of its structures."""
    lesions: LesionOdds | None
    """What it gives lesions, on the network's own grid; None for a model that knows none."""


class Readout:
    """Takes blocks of logits in order; ``seen`` when all were given.

    They lie on the grid ``inner``, the label maps on the scan's own, ``shape_zyx``. Probabilities
    are asked for only where annotations are read along: the greatest logit is the most probable.
    """

    def __init__(
        self,
        channels: Channels,
        shape_zyx: tuple[int, int, int],
        inner: Grid,
        take: TakesLabels,
        beside: Sequence[UsedIds] = (),
    ) -> None:
        self._channels = channels
        self._shape_zyx = shape_zyx
        self._num_rows = inner.shape_zyx[1]
        self._take = take
        self._upsampler = Upsampler(inner.shape_zyx, shape_zyx)
        self._first, self._stop = 0, 0
        self._labels: Labels = {}
        self._annotations: Sequence[Labels] = ()
        self._suspicions = [
            Suspicion(layer, inner) for layer in channels.layers if layer.layer is Layer.LESIONS
        ]
        self._borders = {layer.layer: Borders(layer) for layer in channels.layers}
        nothing = np.zeros(1, np.intp)
        self._witnesses = [
            {
                layer.layer: Witness(used.get(layer.layer, nothing), layer)
                for layer in channels.layers
            }
            for used in beside
        ]

    def complete(self, first: int, stop: int) -> tuple[int, int]:
        """The scan's slices that these inner slices complete, from first to behind last."""
        return self._upsampler.slices(first, stop)

    def begin(self, first: int, stop: int, annotations: Sequence[Labels] = ()) -> None:
        """The next blocks are of these slices of the scan; ``annotations`` hold just them."""
        self._first, self._stop = first, stop
        shape_zyx = (stop - first, *self._shape_zyx[1:])
        self._labels = {
            layer.layer: np.empty(shape_zyx, np.uint8) for layer in self._channels.layers
        }
        self._annotations = annotations

    def add(self, block: Block) -> None:
        """The next rows; with a slice's last the slices are handed on."""
        for suspicion in self._suspicions:
            suspicion.add(block)
        for tile in self._upsampler.tiles(block):
            for layer in self._channels.layers:
                self._read(layer, tile)
        if block.y + block.sums.shape[2] == self._num_rows:
            for borders in self._borders.values():
                borders.forget()
            self._take(self._labels)

    def seen(self) -> Seen:
        """Evidence and lesions; raises ValueError if slices are missing."""
        if self._stop != self._shape_zyx[0]:
            raise ValueError(f"{self._stop} of {self._shape_zyx[0]} slices were predicted")
        inside: dict[str, float] = {}
        along: dict[str, float] = {}
        for borders in self._borders.values():
            inside |= borders.inside()
            along |= borders.along()
        evidence = tuple(
            {
                name: _evidence(said, name, inside, along)
                for witness in witnesses.values()
                for name, said in witness.testimony().items()
            }
            for witnesses in self._witnesses
        )
        return Seen(evidence, next((each.odds() for each in self._suspicions), None))

    def _read(self, layer: LayerChannels, tile: Tile) -> None:
        """The most probable structure of every voxel of a tile, and what annotations make of it."""
        logits = tile.logits[layer.span]
        _, num_slices, num_rows, _ = logits.shape
        z = tile.z - self._first
        there = np.s_[z : z + num_slices, tile.y : tile.y + num_rows]
        if self._witnesses:
            channel = self._testify(layer, tile, logits, there)
        else:
            channel = best_channels(logits)
        self._labels[layer.layer][there] = layer.ids[channel]

    def _testify(
        self, layer: LayerChannels, tile: Tile, logits: Tensor, there: tuple[slice, slice]
    ) -> NDArray[np.uint8]:
        nobody = np.zeros(logits.shape[1:], np.uint8)
        stated = [
            labels[layer.layer][there] if layer.layer in labels else nobody
            for labels in self._annotations
        ]
        sight = Sight.of(logits, np.maximum.reduce(stated))
        self._borders[layer.layer].add(tile.z, tile.y, sight)
        for witnesses, labels_zyx in zip(self._witnesses, stated, strict=True):
            witnesses[layer.layer].see(labels_zyx, sight)
        return sight.channel


def _evidence(
    said: Testimony, name: str, inside: Mapping[str, float], along: Mapping[str, float]
) -> Evidence:
    return Evidence(
        loglik_current=said.loglik_current,
        loglik_prediction=said.loglik_prediction,
        entropy=said.entropy,
        boundary_confidence=along.get(name),
        confidence=inside.get(name),
    )
