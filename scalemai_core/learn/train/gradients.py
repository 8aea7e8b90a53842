"""The gradients of all parameters as one vector."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

TINY_NORM = 1e-6
"""Keeps the quotient of a vanishing gradient finite."""


class Gradients:
    """Autograd adds into one buffer, so that a step costs one message and one clipping.

    DistributedDataParallel is not used: its buckets are laid out anew after the first step, and a
    run that goes on from a checkpoint would sum in another order than one that was not killed.
    """

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        trained = list(parameters)
        sizes = [parameter.numel() for parameter in trained]
        self._vector = torch.zeros(sum(sizes), device=trained[0].device)
        for parameter, part in zip(trained, self._vector.split(sizes), strict=True):
            parameter.grad = part.as_strided(parameter.shape, parameter.stride())

    def clear(self) -> None:
        """Start a step."""
        self._vector.zero_()

    def sum_over_processes(self) -> None:
        """Every process holds its own voxels' gradient of the loss of the whole batch."""
        if dist.is_initialized():
            dist.all_reduce(self._vector)

    def clip(self, limit: float) -> Tensor:
        """Shorten to ``limit``; returns the norm before."""
        norm = self._vector.norm()
        self._vector.mul_((limit / (norm + TINY_NORM)).clamp(max=1.0))
        return norm
