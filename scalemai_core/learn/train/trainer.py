"""The optimisation of one fold model, over one or many processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import torch
import torch.distributed as dist
from torch import Tensor

from scalemai_core.errors import TrainingError
from scalemai_core.learn.channels import Channels
from scalemai_core.learn.device import compiled, learns_in_bfloat16, mixed_precision
from scalemai_core.learn.feed.patches import Patch, stack
from scalemai_core.learn.loss.marginal import LayerTarget, segmentation_loss
from scalemai_core.learn.train.checkpoint import Checkpoints
from scalemai_core.learn.train.gradients import Gradients
from scalemai_core.learn.train.meter import Meter
from scalemai_core.learn.train.schedule import rate_share
from scalemai_core.learn.train.state import TrainingState
from scalemai_core.records.progress import TrainingProgress
from scalemai_core.records.training import TrainingPlan

Batches = Callable[[range], Iterator[list[Patch]]]
"""From the numbers of batches, which count on over all steps: this process's share of each."""

SEED_STRIDE = 1 << 20
"""More than any number of processes."""


class Trainer:
    """Takes a state to the plan's last step; every process sees its share of each batch."""

    def __init__(self, state: TrainingState, plan: TrainingPlan, channels: Channels) -> None:
        self._rank = dist.get_rank() if dist.is_initialized() else 0
        plan.check_processes(dist.get_world_size() if dist.is_initialized() else 1)
        self._state = state
        self._plan = plan
        self._channels = channels
        self._device = next(state.network.parameters()).device
        self._mixed = plan.train.mixed and learns_in_bfloat16(self._device, _depths(plan))
        self._network = compiled(state.network.train(), wanted=plan.train.compile)
        self._gradients = Gradients(state.network.parameters())

    def run(
        self,
        batches: Batches,
        report: Callable[[TrainingProgress], None],
        checkpoints: Checkpoints | None,
    ) -> None:
        """All steps that are left; ``report`` hears every two seconds and at the end."""
        state, settings, steps = self._state, self._plan.train, self._plan.steps
        meter = Meter(state.step, steps)
        left = range(state.step * settings.accumulate, steps * settings.accumulate)
        supply = meter.waiting_for(batches(left))
        while state.step < steps:
            learning_rate = self._learning_rate()
            meter.add(*self._step(islice(supply, settings.accumulate), learning_rate))
            if meter.due(state.step):
                _require_numbers(meter, state.step)
                report(meter.report(state.step, learning_rate))
            if checkpoints and state.step < steps and state.step % settings.checkpoint_every == 0:
                _require_numbers(meter, state.step)
                checkpoints.write(state)

    def _learning_rate(self) -> float:
        settings = self._plan.train
        share = rate_share(self._state.step, self._plan.steps, settings.warmup)
        return settings.learning_rate * share

    def _step(
        self, batches: Iterator[list[Patch]], learning_rate: float
    ) -> tuple[list[Tensor], Tensor]:
        """One optimiser step; the losses of its batches and the norm of their mean gradient."""
        self._seed()
        self._gradients.clear()
        losses = [self._learn(patches) for patches in batches]
        self._gradients.sum_over_processes()
        norm = self._gradients.clip(self._plan.train.clip_norm)
        self._state.advance(learning_rate)
        return losses, norm

    def _learn(self, patches: list[Patch]) -> Tensor:
        """Add one batch's share of the gradient; each batch is a mean of its own."""
        with mixed_precision(self._device, wanted=self._mixed):
            logits = self._network(stack(patches, self._device))
        loss = segmentation_loss(logits, [self._targets(patch) for patch in patches])
        (loss / self._plan.train.accumulate).backward()
        return loss.detach()

    def _targets(self, patch: Patch) -> list[LayerTarget]:
        """What a patch's labels say, per layer."""
        targets: list[LayerTarget] = []
        for layer in self._channels.layers:
            labels_zyx = torch.from_numpy(patch.labels[layer.layer]).to(self._device)
            targets.append(LayerTarget.of(layer, patch.allowed[layer.layer], labels_zyx))
        return targets

    def _seed(self) -> None:
        """What a network draws (dropout) depends on the step alone, not on what ran before."""
        place = self._state.step * SEED_STRIDE + self._rank
        torch.manual_seed(self._plan.seed ^ place)  # noqa: TID251 - networks draw from no other


def _depths(plan: TrainingPlan) -> list[int]:
    """Slices of a patch at every level of the network."""
    finest = -(-plan.input.patch_zyx[0] // plan.network.stem_stride)
    return [-(-finest // 2**level) for level in range(plan.network.levels)]


def _require_numbers(meter: Meter, step: int) -> None:
    if not meter.finite:
        raise TrainingError(
            f"the loss was no number any more by step {step}: lower train.learning_rate, or set "
            "train.mixed to false; the last checkpoint is kept"
        )
