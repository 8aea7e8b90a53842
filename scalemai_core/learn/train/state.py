"""Everything that moves while a network is trained, as named tensors."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor

from scalemai_core.learn.network.segmenter import Segmenter
from scalemai_core.learn.network.state import unique_state
from scalemai_core.settings.learning import TrainSettings

EPSILON = 1e-6
"""AdamW's. Gradients much smaller than this move little: with the usual 1e-8, the rounding of a
gradient that is next to nothing becomes a whole step, and two runs drift apart. Ours."""

MOMENTS = ("exp_avg", "exp_avg_sq")


class TrainingState:
    """Network, AdamW and running mean after ``step`` steps; learning rate and data follow from it.

    The optimiser's moments exist from the start, so that a checkpoint is read into what is there.
    """

    def __init__(self, network: Segmenter, settings: TrainSettings) -> None:
        self.step = 0
        self.network = network
        self._decay = settings.ema_decay
        self._mean = deepcopy(network) if self._decay else None
        on_gpu = next(network.parameters()).is_cuda
        self.optimizer = torch.optim.AdamW(
            network.parameters(),
            settings.learning_rate,
            eps=EPSILON,
            weight_decay=settings.weight_decay,
            fused=on_gpu,
        )
        for parameter in network.parameters():
            moments = {name: torch.zeros_like(parameter) for name in MOMENTS}
            step = torch.zeros((), device=parameter.device if on_gpu else "cpu")
            self.optimizer.state[parameter] = {"step": step, **moments}

    @property
    def model(self) -> Segmenter:
        """What the training has made: the mean of the weights where one is kept."""
        return self.network if self._mean is None else self._mean

    @torch.no_grad()
    def advance(self, learning_rate: float) -> None:
        """One step along the gradients.

        The mean holds the weights after every step, the last with a share of 1 - decay, each
        earlier one with ``decay`` of its successor's; the network's random start is not in it.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        self.step += 1
        if self._mean is not None:
            share = (1 - self._decay) / (1 - self._decay**self.step)
            own = unique_state(self.network)
            for name, mean in unique_state(self._mean).items():
                if mean.is_floating_point():
                    mean.lerp_(own[name], share)
                else:
                    mean.copy_(own[name])

    def tensors(self) -> dict[str, Tensor]:
        """All of it, live: what is copied into them is what the training goes on from."""
        found = {f"network.{name}": t for name, t in unique_state(self.network).items()}
        if self._mean is not None:
            found |= {f"mean.{name}": t for name, t in unique_state(self._mean).items()}
        for name, parameter in self.network.named_parameters():
            own = self.optimizer.state[parameter]
            found |= {f"{moment}.{name}": own[moment] for moment in MOMENTS}
        return found

    def resume_at(self, step: int) -> None:
        """Say that the tensors now are those after ``step`` steps."""
        self.step = step
        for own in self.optimizer.state.values():
            own["step"].fill_(step)
