"""What a pass over one layer's logits finds, and what the way back needs of the whole loss."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Found(NamedTuple):
    """One patch's layer after the forward pass; probabilities themselves are not kept."""

    entropy: Tensor
    """() float64, minus the logarithms of what the voxels allow, weighted and summed."""
    overlap: Tensor
    """(num_channels,) float64, each channel's probability summed where it is the label."""
    volume: Tensor
    """(num_channels,) float64, each measured channel's probability summed."""
    shift: Tensor
    """(voxels,) float32, what was taken from the logits before exp."""
    scale: Tensor
    """(voxels,) float32, 1 / the sum of exp: a probability is exp(logit - shift) * scale."""
    of_allowed: Tensor
    """(voxels,) float32, probability of what the voxel allows."""


class Slopes(NamedTuple):
    """Derivatives of the loss by what ``Found`` holds, for one patch's layer, all float32."""

    by_volume: Tensor
    """(num_channels,) 0 where a structure is not measured."""
    by_overlap: Tensor
    """(num_channels,) 0 where a structure is not measured."""
    pull: Tensor
    """(num_channels + num_sets,) a voxel's weight in the cross-entropy, by its target."""


TINY = 1e-30
"""Smallest probability a logarithm or a quotient sees."""
