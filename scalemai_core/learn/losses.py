"""The loss on what is known: marginal cross-entropy and soft Dice, over all processes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from scalemai_core.learn.allowed import NUM_LABELS, AllowedSets
from scalemai_core.learn.channels import LayerChannels

SMOOTH_VOXELS = 1.0
"""Added to both sides of every Dice fraction."""

BALANCE = 0.5
"""A voxel weighs 1 / (share of its structure in the batch) ** this in the cross-entropy.

With 0, small structures are not learned until the large ones are done. Ours.
"""

DICE_WEIGHT = 3.0
"""Weight of the mean Dice loss against the cross-entropy. Ours."""

TINY = 1e-30
"""Smallest probability a logarithm or a quotient sees."""


@dataclass(frozen=True, slots=True)
class LayerTarget:
    """What one patch's labels say in one layer."""

    span: slice
    """The layer's channels among the logits."""
    target: Tensor
    """(voxels,) int64: a channel of the layer, or num_channels + i for the i-th set."""
    sets: tuple[Tensor, ...]
    """Channels of each set."""
    known: Tensor
    """(num_channels,) bool: structures whose Dice counts in this patch."""
    fixed: Tensor
    """(num_channels,) bool: unknown structures, to which Dice gives no gradient."""
    weight: Tensor
    """(num_channels,) how much each structure's mask has to say, voxels and Dice alike."""

    @classmethod
    def of(cls, channels: LayerChannels, allowed: AllowedSets, labels_zyx: Tensor) -> LayerTarget:
        """Read a patch's uint8 labels through a case's allowed sets."""
        num = channels.num_channels
        device = labels_zyx.device
        table = torch.from_numpy(allowed.target).to(device, torch.int64)
        target = table[labels_zyx.reshape(-1).int()]
        counts = torch.bincount(target, minlength=NUM_LABELS)
        sets = tuple(torch.from_numpy(each).to(device) for each in allowed.sets)
        known = torch.from_numpy(allowed.known).to(device)
        fixed = ~known
        fixed[0] = False
        complete = known.clone()
        for index, each in enumerate(sets):
            complete[each] &= counts[num + index] == 0
        weight = torch.from_numpy(allowed.weight).to(device)
        return cls(channels.span, target, sets, complete, fixed, weight)

    @property
    def say(self) -> Tensor:
        """(num_channels,) weight of this patch's voxels in each structure's Dice."""
        return self.weight * self.known


def segmentation_loss(
    logits: Tensor,
    targets: Sequence[Sequence[LayerTarget]],
    balance: float = BALANCE,
    dice_weight: float = DICE_WEIGHT,
) -> Tensor:
    """Scalar loss of a batch: sum over layers of the cross-entropy, plus the mean Dice loss.

    ``logits`` (batch, channels, z, y, x); ``targets`` per sample and layer. A voxel's
    cross-entropy is minus the log of the probability of its allowed set (method reference,
    sections 1.8 and 6.2), voxels weighted by ``balance`` and by their mask's weight. Dice is over
    the whole batch, the mean of structures known and present in it. Numerators and denominators are
    summed over processes: every process gets the loss of the whole batch, and its own voxels'
    gradient.
    """
    loss = _MarginalLoss.apply(logits, targets, balance, dice_weight)
    if not isinstance(loss, Tensor):
        raise TypeError(f"autograd returned {type(loss).__name__}")
    return loss


@dataclass(frozen=True, slots=True)
class _Forward:
    """What the backward pass needs of one sample's layer."""

    target: LayerTarget
    probabilities: Tensor
    of_allowed: Tensor
    """(voxels,) probability of the allowed set."""
    channel: Tensor
    """(voxels,) the one allowed channel, 0 where there are several."""
    single: Tensor
    """(voxels,) whether one channel is allowed."""
    weight: Tensor
    """(voxels,) weight in the cross-entropy."""


class _MarginalLoss(torch.autograd.Function):
    """Written out by hand: autograd would hold five arrays of channels x voxels instead of one."""

    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        targets: Sequence[Sequence[LayerTarget]],
        balance: float,
        dice_weight: float,
    ) -> Tensor:
        num_layers = max(len(layers) for layers in targets)
        num_channels = logits.shape[1]
        entropy = torch.zeros(2, num_layers, device=logits.device, dtype=torch.float64)
        overlap = torch.zeros(3, num_channels, device=logits.device, dtype=torch.float64)
        weights = _balanced(targets, num_channels, balance)
        samples: list[list[_Forward]] = []
        for sample, layers in zip(logits.detach(), targets, strict=True):
            parts = [_forward(sample, target, weights[target.span]) for target in layers]
            for index, part in enumerate(parts):
                _count(part, entropy[:, index], overlap[:, part.target.span])
            samples.append(parts)
        entropy, overlap = _sum_over_processes(entropy, overlap)
        present = overlap[2] > 0
        denominator = overlap[1] + overlap[2] + SMOOTH_VOXELS
        dice = (2 * overlap[0] + SMOOTH_VOXELS) / denominator
        num_present = present.sum().clamp_min(1)
        weight = dice_weight * present / denominator / num_present
        ctx.samples, ctx.shape, ctx.dtype = samples, logits.shape, logits.dtype
        ctx.per_weight = 1.0 / entropy[1].clamp_min(1)
        ctx.by_sum, ctx.by_overlap = weight * dice, -2 * weight
        cross_entropy = (entropy[0] * ctx.per_weight).sum()
        mean_dice_loss = ((1 - dice) * present).sum() / num_present
        return (cross_entropy + dice_weight * mean_dice_loss).float()

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None]:
        outer = grad_outputs[0].double()
        grad = torch.empty(ctx.shape, device=outer.device, dtype=ctx.dtype)
        for sample, parts in zip(grad, ctx.samples, strict=True):
            for index, part in enumerate(parts):
                span = part.target.span
                own = _backward(
                    part,
                    float(ctx.per_weight[index] * outer),
                    (ctx.by_sum[span] * outer).float(),
                    (ctx.by_overlap[span] * outer).float(),
                )
                sample[span] = own.reshape(sample[span].shape)
        return grad, None, None, None


def _balanced(
    targets: Sequence[Sequence[LayerTarget]], num_channels: int, balance: float
) -> Tensor:
    """(channels,) weight of a voxel by its one channel; background's where it allows several."""
    first = targets[0][0].target
    counts = torch.zeros(num_channels, device=first.device, dtype=torch.float64)
    totals = torch.zeros_like(counts)
    for layers in targets:
        for target in layers:
            num = len(target.known)
            channel = torch.where(target.target < num, target.target, 0)
            counts[target.span] += torch.bincount(channel, minlength=num)
            totals[target.span] += target.target.numel()
    counts, totals = _sum_over_processes(counts, totals)
    return (totals / counts.clamp_min(1)).pow(balance).float()


def _forward(logits: Tensor, target: LayerTarget, weights: Tensor) -> _Forward:
    """Softmax, and the probability of what each voxel allows."""
    probabilities = torch.softmax(logits[target.span].flatten(1).float(), dim=0)
    num = len(probabilities)
    single = target.target < num
    channel = torch.where(single, target.target, 0)
    of_allowed = probabilities.gather(0, channel[None])[0]
    for index, each in enumerate(target.sets):
        mass = probabilities[each].sum(dim=0)
        of_allowed = torch.where(target.target == num + index, mass, of_allowed)
    voxel_weight = (weights * target.weight)[channel]
    return _Forward(target, probabilities, of_allowed, channel, single, voxel_weight)


def _count(part: _Forward, entropy: Tensor, overlap: Tensor) -> None:
    """Add a layer's entropy and voxels, and by channel overlap, probability and label volume."""
    logarithm = part.of_allowed.clamp_min(TINY).log()
    entropy[0] -= (logarithm * part.weight).sum(dtype=torch.float64)
    entropy[1] += part.weight.sum(dtype=torch.float64)
    num = len(part.probabilities)
    say = part.target.say.double()
    inside = part.of_allowed.double() * part.single
    overlap[0] += torch.bincount(part.channel, weights=inside, minlength=num) * say
    overlap[1] += part.probabilities.sum(dim=1) * say
    voxels = torch.bincount(part.channel, weights=part.single.double(), minlength=num)
    overlap[2] += voxels * say


def _backward(part: _Forward, per_weight: float, by_sum: Tensor, by_overlap: Tensor) -> Tensor:
    """(channels, voxels) gradient on one layer's logits.

    ``by_sum`` and ``by_overlap`` are the loss's derivatives on every channel's summed probability
    and on its overlap with the label.
    """
    probabilities, target = part.probabilities, part.target
    by_sum, by_overlap = by_sum * target.say, by_overlap * target.say
    at_label = by_overlap[part.channel] * part.of_allowed * part.single
    mean = by_sum @ probabilities + at_label
    slope = by_sum[:, None] - mean
    slope[target.fixed] = 0.0
    weight = per_weight * part.weight
    grad = slope.add_(weight).mul_(probabilities)
    grad.scatter_add_(0, part.channel[None], (at_label - weight * part.single)[None])
    for index, each in enumerate(target.sets):
        here = target.target == len(probabilities) + index
        share = weight * here / part.of_allowed.clamp_min(TINY)
        grad[each] -= probabilities[each] * share
    return grad


def _sum_over_processes(*sums: Tensor) -> tuple[Tensor, ...]:
    if dist.is_initialized():
        for each in sums:
            dist.all_reduce(each)
    return sums
