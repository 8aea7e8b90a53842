"""What may be said of each MONAI network, known without importing MONAI.

A network gets from the engine what makes it fit between the engine's own way in and way out; the
rest of its constructor's arguments are free, with MONAI's names. A test compares with MONAI.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

ArchitectureName = Literal["SegResNet", "DynUNet", "SwinUNETR", "MedNeXt", "UNet"]
"""Classes of ``monai.networks.nets``."""

_SWIN_STAGES = 4
_SWIN_WIDTH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One network: what the engine sets of it, and what is free."""

    own: frozenset[str]
    """Arguments that follow from ``width`` and ``levels``, or would break the way out."""
    free: frozenset[str]
    """Arguments that ``network.options`` may set."""
    per_level: Mapping[str, int] = field(default_factory=dict[str, int])
    """Free lists with one entry a level, and how many entries fewer than levels."""
    levels: tuple[int, int] = (2, 6)
    """Fewest and most."""
    width_step: int = 1
    """``width`` is a multiple of this."""
    extra_halvings: int = 0
    """Halvings of resolution besides those between levels."""
    packages: tuple[str, ...] = ()
    """What MONAI needs for this network alone."""

    def multiple(self, levels: int) -> int:
        """Voxels by which every axis of its input is divisible."""
        return 2 ** (levels - 1 + self.extra_halvings)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ARCHITECTURES: Mapping[ArchitectureName, Architecture] = {
    "SegResNet": Architecture(
        own=_words("spatial_dims init_filters in_channels out_channels norm_name num_groups "
                   "use_conv_final"),
        free=_words("dropout_prob act norm blocks_down blocks_up upsample_mode"),
        per_level={"blocks_down": 0, "blocks_up": 1},
    ),
    "DynUNet": Architecture(
        own=_words("spatial_dims in_channels out_channels strides upsample_kernel_size "
                   "deep_supervision deep_supr_num"),
        free=_words("kernel_size filters dropout norm_name act_name res_block trans_bias"),
        per_level={"kernel_size": 0, "filters": 0},
        levels=(3, 6),
    ),
    "SwinUNETR": Architecture(
        own=_words("in_channels out_channels spatial_dims feature_size patch_size norm_layer "
                   "use_hyena hyena_stages hyena_kernel_size hyena_kernel_mlp_dim "
                   "hyena_kernel_layers hyena_mask_max_attenuation hyena_fft_padding "
                   "hyena_grid_type hyena_use_chunked_fft hyena_use_fft_short_conv hyena_omega_0 "
                   "hyena_l_cache hyena_short_conv_fft_chunks"),
        free=_words("depths num_heads window_size qkv_bias mlp_ratio norm_name drop_rate "
                    "attn_drop_rate dropout_path_rate normalize patch_norm use_checkpoint "
                    "downsample use_v2 use_flash_attention"),
        per_level={"depths": 0, "num_heads": 0},
        levels=(_SWIN_STAGES, _SWIN_STAGES),
        width_step=_SWIN_WIDTH,
        extra_halvings=2,
        packages=("einops",),
    ),
    "MedNeXt": Architecture(
        own=_words("spatial_dims init_filters in_channels out_channels deep_supervision"),
        free=_words("encoder_expansion_ratio decoder_expansion_ratio bottleneck_expansion_ratio "
                    "kernel_size use_residual_connection blocks_down blocks_bottleneck blocks_up "
                    "norm_type global_resp_norm"),
        per_level={"blocks_down": 1, "blocks_up": 1, "encoder_expansion_ratio": 1,
                   "decoder_expansion_ratio": 1},
    ),
    "UNet": Architecture(
        own=_words("spatial_dims in_channels out_channels strides"),
        free=_words("channels kernel_size up_kernel_size num_res_units act norm dropout bias "
                    "adn_ordering"),
        per_level={"channels": 0},
    ),
}  # fmt: skip


def check_architecture(
    name: ArchitectureName, width: int, levels: int, options: Mapping[str, JsonValue]
) -> None:
    """Raise ValueError naming what is wrong and what is allowed."""
    known = ARCHITECTURES[name]
    fewest, most = known.levels
    if not fewest <= levels <= most:
        wanted = str(most) if fewest == most else f"{fewest} to {most}"
        raise ValueError(f"{name} is built with levels {wanted}, not {levels}")
    if width % known.width_step:
        raise ValueError(f"{name} takes a width that is a multiple of {known.width_step}")
    for option, value in options.items():
        if option not in known.free:
            why = "is set by the engine" if option in known.own else f"is no argument of {name}"
            free = ", ".join(sorted(known.free))
            raise ValueError(f"options: '{option}' {why}; free to set are {free}")
        fewer = known.per_level.get(option)
        if fewer is not None and isinstance(value, list) and len(value) != levels - fewer:
            raise ValueError(f"options: '{option}' needs {levels - fewer} entries at this depth")
