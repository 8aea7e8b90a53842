"""What a label voxel says: the set of channels that may be true there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from scalemai_core.learn.channels import LayerChannels
from scalemai_core.taxonomy.taxonomy import Taxonomy

NUM_LABELS = 256
EVEN: Mapping[str, float] = MappingProxyType({})
"""Every mask has as much to say."""


@dataclass(frozen=True, slots=True)
class AllowedSets:
    """One case's reading of one layer's label values.

    A value either names one channel, or a set of channels of which one is true (a parent whose
    children are channels; background where structures are unknown).
    """

    target: NDArray[np.uint8]
    """(256,) label value -> channel, or num_channels + i for the i-th set of several."""
    sets: tuple[NDArray[np.int64], ...]
    """Channels of each set of several."""
    known: NDArray[np.bool_]
    """(num_channels,) channels whose every voxel is labelled; background is never among them."""
    weight: NDArray[np.float32]
    """(num_channels,) how much the case's mask of a channel has to say; 1 for background."""


def allowed_sets(
    channels: LayerChannels,
    unknown: Collection[str],
    taxonomy: Taxonomy,
    weights: Mapping[str, float] = EVEN,
) -> AllowedSets:
    """Which channels each label value allows, given the structures of which nothing is known.

    Method reference, sections 1.8 and 6.2: what is unknown is marginalised, never taken as absent.
    ``weights`` names the structures whose masks have less than 1 to say.
    """
    table = _allowed_table(channels, frozenset(unknown), taxonomy)
    target = np.zeros(NUM_LABELS, dtype=np.uint8)
    sets: dict[tuple[int, ...], int] = {}
    for value in range(NUM_LABELS):
        several = tuple(np.flatnonzero(table[value]).tolist())
        if len(several) == 1:
            target[value] = several[0]
        else:
            target[value] = channels.num_channels + sets.setdefault(several, len(sets))
    known = np.array([False, *(name not in unknown for name in channels.names)])
    weight = np.array([1.0, *(weights.get(name, 1.0) for name in channels.names)], dtype=np.float32)
    return AllowedSets(target, tuple(np.array(each) for each in sets), known, weight)


def _allowed_table(
    channels: LayerChannels, unknown: frozenset[str], taxonomy: Taxonomy
) -> NDArray[np.bool_]:
    """(256, num_channels) whether a label value allows a channel."""
    channel_of = {name: index for index, name in enumerate(channels.names, start=1)}
    table = np.zeros((NUM_LABELS, channels.num_channels), dtype=bool)
    table[:, [0, *_possible_in_background(channel_of, unknown, taxonomy)]] = True
    for structure in taxonomy.in_layer(channels.layer):
        if structure.name in unknown:
            continue  # on hold: its voxels say no more than background does
        within = [s.name for s in taxonomy.descendants(structure.name) if s.name in channel_of]
        within = [name for name in within if name in unknown] or within
        above = [s.name for s in taxonomy.ancestors(structure.name) if s.name in channel_of]
        table[structure.id] = False
        table[structure.id, [channel_of[name] for name in within or above] or [0]] = True
    return table


def _possible_in_background(
    channel_of: dict[str, int], unknown: frozenset[str], taxonomy: Taxonomy
) -> list[int]:
    """Unknown channels, less those inside a known parent: where that is not, they are not."""
    return [
        channel
        for name, channel in channel_of.items()
        if name in unknown and all(above.name in unknown for above in taxonomy.ancestors(name))
    ]
