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

    Channels of which nothing is known are ``held``: they are left out of the softmax, in which
    background then means none of the others. A value either names one of these, or a set of which
    one is true (a known parent whose parts are channels).
    """

    target: NDArray[np.uint8]
    """(256,) label value -> channel, or num_channels + i for the i-th set of several."""
    sets: tuple[NDArray[np.int64], ...]
    """Channels of each set of several."""
    known: NDArray[np.bool_]
    """(num_channels,) channels whose every voxel is labelled; background is never among them."""
    held: NDArray[np.bool_]
    """(num_channels,) channels of which nothing is known, nor of anything they are a part of."""
    weight: NDArray[np.float32]
    """(num_channels,) how much the case's mask of a channel has to say; 1 for background."""


def allowed_sets(
    channels: LayerChannels,
    unknown: Collection[str],
    taxonomy: Taxonomy,
    weights: Mapping[str, float] = EVEN,
) -> AllowedSets:
    """Which channels each label value allows, given the structures of which nothing is known.

    Method reference, sections 1.8 and 6.2: what is unknown is never taken as absent.
    ``weights`` names the structures whose masks have less than 1 to say.
    """
    held = _held(channels, unknown, taxonomy)
    table = _allowed_table(channels, frozenset(unknown), held, taxonomy)
    target = np.zeros(NUM_LABELS, dtype=np.uint8)
    sets: dict[tuple[int, ...], int] = {}
    for value in range(NUM_LABELS):
        several = tuple(np.flatnonzero(table[value]).tolist())
        if len(several) == 1:
            target[value] = several[0]
        else:
            target[value] = channels.num_channels + sets.setdefault(several, len(sets))
    known = np.array([False, *(name not in unknown for name in channels.names)])
    several_sets = tuple(np.array(each) for each in sets)
    return AllowedSets(target, several_sets, known, held, mask_weights(channels, weights))


def mask_weights(channels: LayerChannels, weights: Mapping[str, float]) -> NDArray[np.float32]:
    """(num_channels,) how much each mask has to say: 1 where ``weights`` does not name it."""
    return np.array([1.0, *(weights.get(name, 1.0) for name in channels.names)], dtype=np.float32)


def _allowed_table(
    channels: LayerChannels,
    unknown: frozenset[str],
    held: NDArray[np.bool_],
    taxonomy: Taxonomy,
) -> NDArray[np.bool_]:
    """(256, num_channels) whether a label value allows a channel; what is held is never allowed."""
    channel_of = {name: index for index, name in enumerate(channels.names, start=1)}
    table = np.zeros((NUM_LABELS, channels.num_channels), dtype=bool)
    table[:, 0] = True
    for structure in taxonomy.in_layer(channels.layer):
        if structure.name in unknown:
            continue  # on hold: its voxels say no more than background does
        within = [s.name for s in taxonomy.descendants(structure.name) if s.name in channel_of]
        within = [name for name in within if name in unknown] or within
        above = [s.name for s in taxonomy.ancestors(structure.name) if s.name in channel_of]
        allowed = [channel_of[name] for name in within or above]
        table[structure.id] = False
        table[structure.id, [channel for channel in allowed if not held[channel]] or [0]] = True
    return table


def _held(
    channels: LayerChannels, unknown: Collection[str], taxonomy: Taxonomy
) -> NDArray[np.bool_]:
    """Unknown channels, less those inside a known parent: where that is not, they are not."""
    apart = (
        name in unknown and all(above.name in unknown for above in taxonomy.ancestors(name))
        for name in channels.names
    )
    return np.array([False, *apart])
