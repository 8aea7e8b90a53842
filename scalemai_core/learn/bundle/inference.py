"""What a bundle runs: weights into the network, and one scan after the other through it.

Carried by bundles as it is. MONAI's evaluators do the same, but need Ignite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from scalemai_core.learn.network.state import load_unique_state


def with_weights(network: nn.Module, file: str, device: torch.device) -> nn.Module:
    """The network with a safetensors file's weights, ready to predict; nothing is unpickled."""
    load_unique_state(network, load_file(file))
    return network.to(device).eval()


@torch.inference_mode()
def segment(
    dataset: Iterable[dict[str, Any]],
    network: nn.Module,
    inferer: Callable[..., Any],
    postprocessing: Callable[[dict[str, Any]], Any],
) -> int:
    """Predict every scan of a dataset and hand it to the postprocessing; returns how many."""
    num_scans = 0
    for case in dataset:
        image = case["image"]
        case["pred"] = inferer(image.as_tensor()[None], network)[0]
        postprocessing(case)
        num_scans += 1
    return num_scans
