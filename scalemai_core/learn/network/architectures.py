"""MONAI's networks as bodies: features in, as many features out; and all of a network's parts."""

from __future__ import annotations

from typing import Any

import torch
from monai.networks.nets.dynunet import DynUNet
from monai.networks.nets.mednext import MedNeXt
from monai.networks.nets.segresnet import SegResNet
from monai.networks.nets.swin_unetr import SwinUNETR
from monai.networks.nets.unet import UNet
from torch import nn

from scalemai_core.errors import SettingsError
from scalemai_core.learn.channels import Channels
from scalemai_core.learn.network.segmenter import Segmenter
from scalemai_core.settings.architectures import ARCHITECTURES, ArchitectureName
from scalemai_core.settings.learning import NetworkSettings

NORM = ["INSTANCE", {"affine": True}]
"""Found to learn about twice as fast as groups of channels in short trainings."""

BODIES: dict[ArchitectureName, type[nn.Module]] = {
    "SegResNet": SegResNet,
    "DynUNet": DynUNet,
    "SwinUNETR": SwinUNETR,
    "MedNeXt": MedNeXt,
    "UNet": UNet,
}


def build_network(settings: NetworkSettings, channels: Channels, seed: int) -> Segmenter:
    """A freshly initialised network; the same seed gives the same weights.

    Raises SettingsError for options that MONAI refuses.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # noqa: TID251 - MONAI initialises from the global generator only
        network = Segmenter(build_body(settings), **segmenter_arguments(settings, channels))
    network.head.start_from([layer.start for layer in channels.layers])
    return network


def build_body(settings: NetworkSettings) -> nn.Module:
    """The MONAI network; raises SettingsError with what MONAI says of options it refuses."""
    try:
        return BODIES[settings.name](**body_arguments(settings))
    except (TypeError, ValueError, KeyError, AssertionError) as error:
        options = ", ".join(settings.options) or "none"
        raise SettingsError(
            f"MONAI cannot build {settings.name} with network.options ({options}): {error}"
        ) from error


def segmenter_arguments(settings: NetworkSettings, channels: Channels) -> dict[str, int]:
    """What a Segmenter is built with besides its body."""
    return {
        "width": settings.width,
        "num_channels": channels.num_channels,
        "stride": settings.stem_stride,
        "multiple": ARCHITECTURES[settings.name].multiple(settings.levels),
    }


def body_arguments(settings: NetworkSettings) -> dict[str, Any]:
    """All arguments of the MONAI class, as JSON holds them; options over the engine's choices."""
    width, levels = settings.width, settings.levels
    widths = [width * 2**level for level in range(levels)]
    strides = [1, *[2] * (levels - 1)]
    chosen: dict[ArchitectureName, dict[str, Any]] = {
        "SegResNet": {
            "init_filters": width,
            "norm": NORM,
            "blocks_down": [1, *[2] * (levels - 1)],
            "blocks_up": [1] * (levels - 1),
        },
        "DynUNet": {
            "spatial_dims": 3,
            "kernel_size": [3] * levels,
            "strides": strides,
            "upsample_kernel_size": strides[1:],
            "filters": widths,
            "norm_name": NORM,
        },
        "SwinUNETR": {"feature_size": width, "norm_name": NORM},
        "MedNeXt": {
            "init_filters": width,
            "kernel_size": 3,
            "use_residual_connection": True,
            "blocks_down": [2] * (levels - 1),
            "blocks_up": [2] * (levels - 1),
        },
        "UNet": {
            "spatial_dims": 3,
            "channels": widths,
            "strides": [2] * (levels - 1),
            "num_res_units": 2,
            "norm": NORM,
        },
    }
    ends = {"in_channels": width, "out_channels": width}
    return {**ends, **chosen[settings.name], **settings.options}
