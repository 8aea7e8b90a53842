"""Where torch computes, and at which precision."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.cpu
from torch import Tensor, autocast, nn
from torch.nn.utils import convert_conv3d_weight_memory_format

from scalemai_core.errors import UsageError

_TWISTED = 2


def resolve_device(name: str) -> torch.device:
    """``auto`` is CUDA where there is one; raises UsageError for CUDA where there is none."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError("compute.device is 'cuda' but torch sees none; use 'cpu' or 'auto'")
    return torch.device(name)


def prepare_cpu(threads: int) -> None:
    """Threads of this process."""
    torch.set_num_threads(threads)


def prepare_training(*, deterministic: bool) -> None:
    """How a process that only trains computes: bit for bit the same every time, or fast.

    Operations that cannot repeat themselves on a GPU then raise RuntimeError naming themselves.
    """
    torch.set_flush_denormal(True)  # denormal gradients cost a CPU dearly
    torch.backends.cudnn.benchmark = not deterministic  # patches have one shape: trying out pays
    torch.backends.cudnn.deterministic = deterministic
    if deterministic:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # cuBLAS reads it when it is first used
        torch.use_deterministic_algorithms(mode=True)


def place_network(network: nn.Module, device: torch.device) -> None:
    """Move the weights; a GPU convolves faster with channels innermost."""
    network.to(device)
    if device.type == "cuda":
        convert_conv3d_weight_memory_format(network, torch.channels_last_3d)


def release_memory() -> None:
    """Hand back what dropped networks held: other processes need the GPU."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def compiled(network: nn.Module, *, wanted: bool) -> Callable[[Tensor], Any]:
    """The network as torch.compile sees it, if that is wanted; the weights are the same."""
    return torch.compile(network) if wanted else network


def mixed_precision(device: torch.device, *, wanted: bool = True) -> autocast:
    """bfloat16 where the hardware multiplies it (three times as fast on a CPU), else float32."""
    capable = device.type == "cuda" or _cpu_multiplies_bfloat16()
    return autocast(device.type, torch.bfloat16, enabled=wanted and capable)


def learns_in_bfloat16(device: torch.device, depths: Sequence[int]) -> bool:
    """Whether gradients are right where a network's levels have so many slices.

    On a CPU, torch 2.13 gets the weights' gradient of a 3D convolution wrong, now and then not a
    number, where the input has exactly two slices; one and three are right, and so is float32.
    """
    return device.type != "cpu" or _TWISTED not in depths


def _cpu_multiplies_bfloat16() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
