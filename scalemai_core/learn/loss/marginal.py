"""The loss on what is known: marginal cross-entropy and soft Dice, over all processes at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from scalemai_core.learn.loss import tiles, vectors
from scalemai_core.learn.loss.softmax import Found, Slopes
from scalemai_core.learn.loss.target import LayerTarget
from scalemai_core.records.label_map import Layer

SMOOTH_VOXELS = 1.0
"""Added to both sides of every Dice fraction."""

BALANCE = 0.5
"""See ``LossTerms.balance``."""

DICE_WEIGHT = 3.0
"""See ``LossTerms.dice_weight``."""

Targets = Sequence[Sequence[LayerTarget]]
"""Per sample and layer."""


@dataclass(frozen=True, slots=True)
class LossTerms:
    """How much each part of the loss weighs. The lesion layer may differ from the others."""

    balance: float = BALANCE
    """A voxel weighs 1 / (share of its structure in the batch) ** this in the cross-entropy. With
    0, small structures are not learned until the large ones are done. Ours."""
    dice_weight: float = DICE_WEIGHT
    """Weight of the mean Dice loss against the cross-entropy. Ours."""
    lesion_balance: float = BALANCE
    """``balance`` in the lesion layer; with 1, a batch's lesions weigh as much as all the rest."""
    lesion_recall: float = 0.5
    """Share of missed voxels against false ones in a lesion's Dice denominator: above 0.5 a missed
    voxel costs more than a false one (Tversky's index), at 0.5 it is Dice."""
    lesion_share: float = 1.0
    """Weight of a lesion's Dice in the mean, where a structure of another layer has 1."""


def segmentation_loss(logits: Tensor, targets: Targets, terms: LossTerms | None = None) -> Tensor:
    """Scalar loss of a batch: sum over layers of the cross-entropy, plus the mean Dice loss.

    ``logits`` (batch, channels, z, y, x), computed with in float32 whatever their type; ``targets``
    per sample and layer. A voxel's cross-entropy is minus the log of the probability of its allowed
    set (method reference, sections 1.8 and 6.2), weighted by balance and by its mask's weight. Dice
    is over the whole batch, the mean of structures known and present in it. Numerators and
    denominators are summed over processes: every process gets the loss of the whole batch, and its
    own voxels' gradient.

    Where all is known this is plain cross-entropy and Dice. A structure of which nothing is known
    in a patch, neither of it nor of what it is a part of, is left out of the patch's softmax and
    gets a gradient of exactly zero; background then means none of the others (section 6.2). An
    unknown part of a known structure is told by cross-entropy where it may be, and by Dice nothing.
    A mask of weight 0 gives its voxels' logits exactly zero from the cross-entropy.

    Raises ValueError where a sample's targets do not cover all channels.
    """
    for layers in targets:
        if sum(target.num_channels for target in layers) != logits.shape[1]:
            raise ValueError(f"targets do not cover the {logits.shape[1]} channels of the logits")
    loss = _MarginalLoss.apply(logits, targets, terms or LossTerms())
    if not isinstance(loss, Tensor):
        raise TypeError(f"autograd returned {type(loss).__name__}")
    return loss


@dataclass(frozen=True, slots=True)
class _Tally:
    """The batch's labels over all processes: all that does not depend on the logits."""

    weights: Tensor
    """(channels,) weight of a voxel by its channel, for balance."""
    per_entropy: Tensor
    """(channels,) 1 / the weight of all voxels of the channel's layer."""
    volume: Tensor
    """(channels,) float64, labelled voxels that count in Dice."""
    recall: Tensor
    """(channels,) share of missed voxels in the Dice denominator."""
    share: Tensor
    """(channels,) weight of a structure's Dice loss; 0 where the batch has none of it."""

    @classmethod
    def of(cls, targets: Targets, num_channels: int, terms: LossTerms) -> _Tally:
        first = targets[0][0].voxels
        counts, weighted, volume, layer = first.new_zeros(4, num_channels)
        for target in (each for layers in targets for each in layers):
            voxels = target.voxels_by_channel
            counts[target.span] += voxels
            weighted[target.span] += voxels * target.weight
            volume[target.span] += target.voxels[: target.num_channels] * target.say
        counts, weighted, volume = _sum_over_processes(torch.stack([counts, weighted, volume]))
        weights, recall = torch.zeros_like(counts), torch.full_like(counts, 0.5)
        share = (volume > 0).double()
        for target in targets[0]:
            span, lesions = target.span, target.layer is Layer.LESIONS
            balance = terms.lesion_balance if lesions else terms.balance
            weights[span] = (counts[span].sum() / counts[span].clamp_min(1)).pow(balance)
            layer[span] = (weights[span] * weighted[span]).sum().clamp_min(1)
            if lesions:
                recall[span] = terms.lesion_recall
                share[span] *= terms.lesion_share
        share *= terms.dice_weight / share.sum().clamp_min(torch.finfo(share.dtype).tiny)
        return cls(weights, 1 / layer, volume, recall, share)


class _MarginalLoss(torch.autograd.Function):
    """Written out by hand: autograd would keep several arrays of channels x voxels, this none.

    The way back computes the probabilities anew from the logits, which the network keeps anyway.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Targets, terms: LossTerms) -> Tensor:
        tally = _Tally.of(targets, logits.shape[1], terms)
        found = [
            [_forward(sample, target, tally) for target in layers]
            for sample, layers in zip(logits.detach(), targets, strict=True)
        ]
        entropy, overlap, volume = torch.zeros_like(tally.volume).expand(3, -1).clone()
        for target, part in _pairs(targets, found):
            entropy[target.span.start] += part.entropy
            overlap[target.span] += part.overlap * target.say
            volume[target.span] += part.volume * target.say
        entropy, overlap, volume = _sum_over_processes(torch.stack([entropy, overlap, volume]))
        denominator = 2 * ((1 - tally.recall) * volume + tally.recall * tally.volume)
        denominator += SMOOTH_VOXELS
        dice = (2 * overlap + SMOOTH_VOXELS) / denominator
        ctx.save_for_backward(logits)
        ctx.targets, ctx.found, ctx.tally = targets, found, tally
        ctx.by_volume = 2 * (1 - tally.recall) * tally.share * dice / denominator
        ctx.by_overlap = -2 * tally.share / denominator
        return ((entropy * tally.per_entropy).sum() + ((1 - dice) * tally.share).sum()).float()

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        (logits,) = ctx.saved_tensors
        outer = grad_outputs[0].double()
        by_volume, by_overlap = ctx.by_volume * outer, ctx.by_overlap * outer
        pull = ctx.tally.weights * ctx.tally.per_entropy * outer
        gradient = _empty_like(logits)
        samples = zip(logits, gradient, ctx.targets, ctx.found, strict=True)
        for sample, own, layers, parts in samples:
            for target, part in zip(layers, parts, strict=True):
                span = target.span
                slopes = Slopes(
                    (by_volume[span] * target.say).float(),
                    (by_overlap[span] * target.say).float(),
                    target.by_target(pull[span] * target.weight).float(),
                )
                rows = sample[span].flatten(1), own[span].flatten(1)
                _engine(logits).backward(rows[0], target, part, slopes, rows[1])
        return gradient, None, None


def _forward(sample: Tensor, target: LayerTarget, tally: _Tally) -> Found:
    span = target.span
    measured = (tally.share[span] > 0) & (target.say > 0)
    pull = target.by_target(tally.weights[span] * target.weight).float()
    return _engine(sample).forward(sample[span].flatten(1), target, measured, pull)


def _empty_like(logits: Tensor) -> Tensor:
    """Contiguous; on a CPU in memory of NumPy, which asks for huge pages where torch does not."""
    if logits.device.type != "cpu":
        return torch.empty(logits.shape, dtype=logits.dtype, device=logits.device)
    numbers = np.empty(logits.numel() * logits.element_size(), dtype=np.uint8)
    return torch.from_numpy(numbers).view(logits.dtype).view(logits.shape)


def _engine(logits: Tensor) -> ModuleType:
    compiled = logits.device.type == "cpu" and logits.dtype in tiles.DTYPES
    return tiles if compiled else vectors


def _pairs(targets: Targets, found: list[list[Found]]) -> Iterator[tuple[LayerTarget, Found]]:
    for layers, parts in zip(targets, found, strict=True):
        yield from zip(layers, parts, strict=True)


def _sum_over_processes(sums: Tensor) -> Tensor:
    if dist.is_initialized():
        dist.all_reduce(sums)
    return sums
