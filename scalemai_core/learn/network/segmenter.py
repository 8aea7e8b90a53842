"""An image's way through a network, with a cheap way in and out at full resolution.

Knows torch and the head only, no settings: bundles for MONAI carry this file as it is.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from scalemai_core.learn.network.head import Head, fold


class Segmenter(nn.Module):
    """Image in, logits of all channels out: way in -> body -> way out -> head.

    The body turns ``width`` features into ``width`` features of the same shape. With ``stride`` 2
    every block of 2x2x2 voxels becomes 8 input features, and the head gives 8 voxels' logits for
    each: all work in between is done at half resolution, and since the way out sees the way in, no
    detail is lost.
    """

    def __init__(
        self, body: nn.Module, width: int, num_channels: int, stride: int, multiple: int
    ) -> None:
        """``multiple``: voxels by which the body wants its input's axes divisible."""
        super().__init__()
        self.stride = stride
        self.multiple = stride * multiple
        self.way_in = nn.Conv3d(stride**3, width, kernel_size=3, padding=1)
        self.body = body
        self.way_out = nn.Conv3d(2 * width, 2 * width, kernel_size=3, padding=1)
        self.head = Head(2 * width, num_channels, stride)

    @property
    def num_parameters(self) -> int:
        """Numbers that training sets."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, image: Tensor) -> Tensor:
        """(batch, 1, z, y, x) in [0, 1] -> (batch, channels, z, y, x) logits, any shape."""
        z, y, x = image.shape[2:]
        missing = [-n % self.multiple for n in (x, y, z)]
        padded = functional.pad(image, [side for n in missing for side in (0, n)])
        entered = functional.relu(self.way_in(fold(padded, self.stride)))
        joined = torch.cat([self.body(entered), entered], dim=1)
        logits = self.head(functional.relu(self.way_out(joined)))
        return logits[:, :, :z, :y, :x]
