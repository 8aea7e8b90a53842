"""A network's tensors, each once. Knows nothing but torch: bundles for MONAI carry it as it is.

MONAI's DynUNet holds its blocks under two names; safetensors refuses tensors that share memory.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


def unique_state(network: nn.Module) -> dict[str, Tensor]:
    """The state dictionary without second names."""
    firsts = {name for name, _ in (*network.named_parameters(), *network.named_buffers())}
    return {name: tensor for name, tensor in network.state_dict().items() if name in firsts}


def load_unique_state(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Take over all tensors; raises RuntimeError if they are not exactly those of the network."""
    missing = unique_state(network).keys() - tensors.keys()
    unknown = tensors.keys() - network.state_dict().keys()
    if missing or unknown:
        raise RuntimeError(f"{len(missing)} tensors are missing, {len(unknown)} are unknown")
    network.load_state_dict(tensors, strict=False)
