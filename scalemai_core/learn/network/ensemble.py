"""Several networks as one. Knows nothing but torch: bundles for MONAI carry it as it is."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class Ensemble(nn.Module):
    """The mean of its networks' logits."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, image: Tensor) -> Tensor:
        """(batch, 1, z, y, x) in [0, 1] -> (batch, channels, z, y, x) logits, float32."""
        total: Tensor | None = None
        for network in self.networks:
            logits = network(image).float()
            total = logits if total is None else total.add_(logits)
        if total is None:
            raise ValueError("an ensemble needs at least one network")
        return total if len(self.networks) == 1 else total.div_(len(self.networks))
