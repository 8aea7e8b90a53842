"""One layer's marginal softmax loss in torch operations, for a GPU: no loop, nothing waited for."""

from __future__ import annotations

import torch
from torch import Tensor

from scalemai_core.learn.loss.softmax import TINY, Found, Slopes
from scalemai_core.learn.loss.target import LayerTarget


def forward(logits: Tensor, target: LayerTarget, measured: Tensor, pull: Tensor) -> Found:
    """``logits`` (num_channels, voxels) of any float type; ``pull`` weighs voxels by target."""
    seen = logits.float().masked_fill(target.held[:, None], -torch.inf)
    shift = seen.amax(dim=0)
    exponentials = seen.sub_(shift).exp_()
    scale = exponentials.sum(dim=0).reciprocal_()
    probabilities = exponentials.mul_(scale)
    where, single = _where(target)
    of_allowed = probabilities.gather(0, where[None])[0]
    for index, each in enumerate(target.sets, start=target.num_channels):
        mass = probabilities[each].sum(dim=0)
        of_allowed = torch.where(target.target == index, mass, of_allowed)
    entropy = -(of_allowed.clamp_min(TINY).log() * pull[target.target.int()])
    volume = probabilities.sum(dim=1, dtype=torch.float64) * measured
    inside = probabilities.zero_().scatter_(0, where[None], (of_allowed * single)[None])
    overlap = inside.sum(dim=1, dtype=torch.float64)
    return Found(entropy.sum(dtype=torch.float64), overlap, volume, shift, scale, of_allowed)


def backward(
    logits: Tensor, target: LayerTarget, found: Found, slopes: Slopes, gradient: Tensor
) -> None:
    """Fill ``gradient``, (num_channels, voxels) of the logits' type."""
    seen = logits.float().masked_fill(target.held[:, None], -torch.inf)
    probabilities = seen.sub_(found.shift).exp_().mul_(found.scale)
    where, single = _where(target)
    at_label = slopes.by_overlap[where] * found.of_allowed * single
    mean = (probabilities * slopes.by_volume[:, None]).sum(dim=0).add_(at_label)
    pull = slopes.pull[target.target.int()]
    slope = (slopes.by_volume[:, None] - mean).masked_fill_(target.fixed[:, None], 0.0)
    slope += pull
    for index, each in enumerate(target.sets, start=target.num_channels):
        slope[each] -= pull * (target.target == index) / found.of_allowed.clamp_min(TINY)
    slope *= probabilities
    slope.scatter_add_(0, where[None], (at_label - pull * single)[None])
    gradient.copy_(slope)


def _where(target: LayerTarget) -> tuple[Tensor, Tensor]:
    """(voxels,) the one allowed channel, 0 where there are several; whether there is one."""
    single = target.target < target.num_channels
    return torch.where(single, target.target, 0).long(), single
