"""What one patch's labels say in one layer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scalemai_core.learn.channels import LayerChannels
from scalemai_core.learn.loss.allowed import AllowedSets
from scalemai_core.records.label_map import Layer


@dataclass(frozen=True, slots=True)
class LayerTarget:
    """One patch's labels, read through its case's allowed sets."""

    layer: Layer
    span: slice
    """The layer's channels among the logits."""
    target: Tensor
    """(voxels,) uint8: a channel of the layer, or num_channels + i for the i-th set."""
    sets: tuple[Tensor, ...]
    """Channels of each set, int64."""
    voxels: Tensor
    """(num_channels + num_sets,) float64 voxels of each target."""
    known: Tensor
    """(num_channels,) bool: structures whose Dice counts in this patch."""
    fixed: Tensor
    """(num_channels,) bool: unknown structures, to which Dice gives no gradient."""
    held: Tensor
    """(num_channels,) bool: structures of which nothing is known: the softmax leaves them out."""
    weight: Tensor
    """(num_channels,) how much each structure's mask has to say, voxels and Dice alike."""

    @classmethod
    def of(cls, channels: LayerChannels, allowed: AllowedSets, labels_zyx: Tensor) -> LayerTarget:
        """Read a patch's uint8 labels; the result lives on their device."""
        num = channels.num_channels
        device = labels_zyx.device
        table = torch.from_numpy(allowed.target).to(device)
        target = table[labels_zyx.reshape(-1).int()]
        voxels = torch.bincount(target, minlength=num + len(allowed.sets)).double()
        sets = tuple(torch.from_numpy(each).to(device) for each in allowed.sets)
        known = torch.from_numpy(allowed.known).to(device)
        fixed = ~known
        fixed[0] = False
        complete = known.clone()
        for index, each in enumerate(sets):
            complete[each] &= voxels[num + index] == 0
        held = torch.from_numpy(allowed.held).to(device)
        weight = torch.from_numpy(allowed.weight).to(device)
        return cls(
            channels.layer, channels.span, target, sets, voxels, complete, fixed, held, weight
        )

    @property
    def num_channels(self) -> int:
        """Background included."""
        return len(self.known)

    @property
    def say(self) -> Tensor:
        """(num_channels,) weight of this patch's voxels in each structure's Dice."""
        return self.weight * self.known

    @property
    def voxels_by_channel(self) -> Tensor:
        """(num_channels,) voxels of each channel; those that allow several count as background."""
        counts = self.voxels[: self.num_channels].clone()
        counts[0] += self.voxels[self.num_channels :].sum()
        return counts

    def by_target(self, by_channel: Tensor) -> Tensor:
        """(num_channels + num_sets,) a number of each channel, background's for sets of several."""
        return torch.cat([by_channel, by_channel[:1].expand(len(self.sets))])
