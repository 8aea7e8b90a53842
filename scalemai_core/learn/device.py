"""Where torch computes, and at which precision."""

from __future__ import annotations

import torch
import torch.cpu
from torch import autocast

from scalemai_core.errors import UsageError


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


def mixed_precision(device: torch.device) -> autocast:
    """bfloat16 where the hardware multiplies it (three times as fast on a CPU), else float32."""
    capable = device.type == "cuda" or _cpu_multiplies_bfloat16()
    return autocast(device.type, torch.bfloat16, enabled=capable)


def _cpu_multiplies_bfloat16() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
