"""Networks by their MONAI names, with a cheap way in and out at full resolution."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.nets.dynunet import DynUNet
from monai.networks.nets.segresnet import SegResNet
from monai.networks.nets.unet import UNet
from torch import Tensor, nn
from torch.nn import functional

from scalemai_core.errors import SettingsError
from scalemai_core.learn.channels import Channels
from scalemai_core.settings.learning import NetworkSettings

BACKGROUND_LOGIT = 4.0
"""Bias of the background in a fresh network: with 20 structures, it holds 3 of 4 voxels."""

DYNUNET_LEVELS = 3
"""Fewest that MONAI builds."""

NORM = ("INSTANCE", {"affine": True})
"""Found to learn about twice as fast as groups of channels in short trainings."""


class Segmenter(nn.Module):
    """Image in, logits of all channels out: way in -> MONAI network -> way out -> head.

    With ``stem_stride`` 2 every block of 2x2x2 voxels becomes 8 input features, and the head gives
    8 voxels' logits for each: all work in between is done at half resolution, and since the way
    out sees the way in, no detail is lost.
    """

    def __init__(self, settings: NetworkSettings, num_channels: int) -> None:
        super().__init__()
        width = settings.width
        self.stride = settings.stem_stride
        self.multiple = self.stride * 2 ** (settings.levels - 1)
        self.way_in = nn.Conv3d(self.stride**3, width, kernel_size=3, padding=1)
        self.body = _monai_network(settings)
        self.way_out = nn.Conv3d(2 * width, 2 * width, kernel_size=3, padding=1)
        self.head = Head(2 * width, num_channels, self.stride)

    def forward(self, image: Tensor) -> Tensor:
        """(batch, 1, z, y, x) in [0, 1] -> (batch, channels, z, y, x) logits, any shape."""
        z, y, x = image.shape[2:]
        missing = [-n % self.multiple for n in (x, y, z)]
        padded = functional.pad(image, [side for n in missing for side in (0, n)])
        entered = functional.relu(self.way_in(_fold(padded, self.stride)))
        joined = torch.cat([self.body(entered), entered], dim=1)
        logits = self.head(functional.relu(self.way_out(joined)))
        return logits[:, :, :z, :y, :x]


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
        return _unfold(logits.unflatten(2, features.shape[2:]), self.stride)


def _fold(voxels: Tensor, stride: int) -> Tensor:
    """(batch, c, z, y, x) -> (batch, c * stride^3, z / stride, y / stride, x / stride)."""
    if stride == 1:
        return voxels
    batch, channels, z, y, x = voxels.shape
    blocks = voxels.view(
        batch, channels, z // stride, stride, y // stride, stride, x // stride, stride
    )
    return blocks.permute(0, 1, 3, 5, 7, 2, 4, 6).flatten(1, 4)


def _unfold(folded: Tensor, stride: int) -> Tensor:
    """The way back of ``_fold``."""
    if stride == 1:
        return folded
    batch, channels, z, y, x = folded.shape
    blocks = folded.view(batch, channels // stride**3, stride, stride, stride, z, y, x)
    return blocks.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(
        batch, channels // stride**3, z * stride, y * stride, x * stride
    )


def build_network(settings: NetworkSettings, channels: Channels, seed: int) -> Segmenter:
    """A freshly initialised network; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # noqa: TID251 - MONAI initialises from the global generator only
        network = Segmenter(settings, channels.num_channels)
    network.head.start_from([layer.start for layer in channels.layers])
    return network


def _monai_network(settings: NetworkSettings) -> nn.Module:
    """Features in, features out, ``width`` of each."""
    width, levels = settings.width, settings.levels
    widths = [width * 2**level for level in range(levels)]
    if settings.name == "SegResNet":
        return SegResNet(
            init_filters=width,
            in_channels=width,
            out_channels=width,
            norm=NORM,
            blocks_down=(1, *[2] * (levels - 1)),
            blocks_up=(1,) * (levels - 1),
        )
    if settings.name == "DynUNet":
        if levels < DYNUNET_LEVELS:
            raise SettingsError(f"network.levels must be at least {DYNUNET_LEVELS} for DynUNet")
        strides = [1, *[2] * (levels - 1)]
        return DynUNet(
            spatial_dims=3,
            in_channels=width,
            out_channels=width,
            kernel_size=[3] * levels,
            strides=strides,
            upsample_kernel_size=strides[1:],
            filters=widths,
            norm_name=NORM,
        )
    return UNet(
        spatial_dims=3,
        in_channels=width,
        out_channels=width,
        channels=widths,
        strides=[2] * (levels - 1),
        num_res_units=2,
        norm=NORM,
    )
