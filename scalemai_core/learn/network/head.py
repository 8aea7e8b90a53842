"""The head: where features become every channel's logits. Knows nothing but torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

BACKGROUND_LOGIT = 4.0
"""Bias of the background in a fresh network: with 20 structures, it holds 3 of 4 voxels."""


class Head(nn.Module):
    """The last, pointwise layer: ``stride**3`` voxels' logits from each voxel's features.

    It starts from what most voxels are: background. Without that, training begins with hundreds of
    steps that teach nothing else.
    """

    def __init__(self, features: int, num_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.weight = nn.Parameter(torch.empty(num_channels, stride**3, features))
        self.bias = nn.Parameter(torch.zeros(num_channels, stride**3))
        nn.init.normal_(self.weight, std=features**-0.5)

    def start_from(self, background: Sequence[int]) -> None:
        """Set the bias of the background channels."""
        with torch.no_grad():
            self.bias[list(background)] = BACKGROUND_LOGIT

    def forward(self, features: Tensor) -> Tensor:
        """(batch, features, z, y, x) -> (batch, channels, z * stride, y * stride, x * stride)."""
        # A matrix product: torch's 1x1x1 convolution takes twice as long on a CPU.
        weight, bias = self.weight.flatten(0, 1), self.bias.reshape(-1, 1)
        logits = weight @ features.flatten(2) + bias.to(features.dtype)
        return unfold(logits.unflatten(2, features.shape[2:]), self.stride)


def fold(voxels: Tensor, stride: int) -> Tensor:
    """(batch, c, z, y, x) -> (batch, c * stride^3, z / stride, y / stride, x / stride)."""
    if stride == 1:
        return voxels
    batch, channels, z, y, x = voxels.shape
    blocks = voxels.view(
        batch, channels, z // stride, stride, y // stride, stride, x // stride, stride
    )
    return blocks.permute(0, 1, 3, 5, 7, 2, 4, 6).flatten(1, 4)


def unfold(folded: Tensor, stride: int) -> Tensor:
    """The way back of ``fold``."""
    if stride == 1:
        return folded
    batch, channels, z, y, x = folded.shape
    blocks = folded.view(batch, channels // stride**3, stride, stride, stride, z, y, x)
    return blocks.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(
        batch, channels // stride**3, z * stride, y * stride, x * stride
    )
