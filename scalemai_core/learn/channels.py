"""The output channels: per layer a softmax over background and the structures trained there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.label_map import Layer
from scalemai_core.records.training import ChannelNames
from scalemai_core.taxonomy.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class LayerChannels:
    """One layer's softmax: channel 0 is its background, channel i its i-th structure."""

    layer: Layer
    start: int
    """First of its channels among all."""
    names: tuple[str, ...]
    """Structures of channels 1, 2, ..."""
    ids: NDArray[np.uint8]
    """Structure id of every channel; 0 for background."""

    @property
    def num_channels(self) -> int:
        """Background included."""
        return len(self.names) + 1

    @property
    def span(self) -> slice:
        """Its channels among all."""
        return slice(self.start, self.start + self.num_channels)


@dataclass(frozen=True, slots=True)
class Channels:
    """All layers' channels, one behind the other."""

    layers: tuple[LayerChannels, ...]

    @classmethod
    def of(cls, structures: Sequence[str], taxonomy: Taxonomy) -> Channels:
        """Channels for annotated structures: leaves only, a parent is the union of its parts.

        A structure of which any descendant is annotated has no channel.
        """
        annotated = set(structures)
        names: ChannelNames = {}
        for layer in Layer:
            in_layer = [s.name for s in taxonomy.in_layer(layer) if s.name in annotated]
            leaves = [
                name
                for name in in_layer
                if not any(part.name in annotated for part in taxonomy.descendants(name)[1:])
            ]
            if leaves:
                names[layer] = tuple(leaves)
        return cls.from_names(names, taxonomy)

    @classmethod
    def from_names(cls, names: ChannelNames, taxonomy: Taxonomy) -> Channels:
        """The layout that ``names`` describes; raises UsageError for a name the taxonomy lacks."""
        layers: list[LayerChannels] = []
        start = 0
        for layer, structures in names.items():
            ids = np.array([0, *(taxonomy[name].id for name in structures)], dtype=np.uint8)
            layers.append(LayerChannels(layer, start, structures, ids))
            start += len(ids)
        return cls(tuple(layers))

    @property
    def names(self) -> ChannelNames:
        """Structures per layer, as stored."""
        return {layer.layer: layer.names for layer in self.layers}

    @property
    def num_channels(self) -> int:
        """All channels, backgrounds included."""
        return sum(layer.num_channels for layer in self.layers)

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Per layer its first channel, and the one behind its last."""
        return [(layer.span.start, layer.span.stop) for layer in self.layers]

    def ids_of(self, layer: Layer) -> NDArray[np.uint8]:
        """Structure id of every channel of a layer, background first; raises KeyError."""
        for channels in self.layers:
            if channels.layer == layer:
                return channels.ids
        raise KeyError(layer)


def channel_titles(names: ChannelNames) -> list[str]:
    """A unique name for every channel in order, ``<layer>/background`` first in each layer."""
    return [
        f"{layer}/{name}"
        for layer, structures in names.items()
        for name in ("background", *structures)
    ]
