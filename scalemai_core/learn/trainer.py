"""The optimisation of one fold model, over one or many processes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from scalemai_core.errors import UsageError
from scalemai_core.learn.device import mixed_precision
from scalemai_core.learn.losses import LayerTarget, segmentation_loss
from scalemai_core.learn.networks import Segmenter
from scalemai_core.learn.patches import Patch, PatchSource, stack
from scalemai_core.settings.learning import TrainSettings

LAST_RATE = 0.01
"""Share of the learning rate at the last step."""

REPORT_SECONDS = 2.0

Progress = dict[str, float]


class Trainer:
    """Takes a network through its steps; every process sees its share of each batch."""

    def __init__(
        self, network: Segmenter, source: PatchSource, settings: TrainSettings, device: torch.device
    ) -> None:
        self._rank = dist.get_rank() if dist.is_initialized() else 0
        self._world = dist.get_world_size() if dist.is_initialized() else 1
        if settings.batch % self._world:
            raise UsageError(
                f"train.batch {settings.batch} must be a multiple of the {self._world} processes"
            )
        self._network = network.to(device).train()
        self._source = source
        self._settings = settings
        self._device = device
        self._model: nn.Module = self._network
        if self._world > 1:
            self._model = DistributedDataParallel(self._network)

    def run(self, steps: int, report: Callable[[Progress], None]) -> None:
        """All steps; ``report`` hears of the mean loss about every two seconds and at the end."""
        settings = self._settings
        optimizer = torch.optim.AdamW(
            self._network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: rate_share(step, steps, settings.warmup)
        )
        started = reported = time.monotonic()
        losses: list[Tensor] = []
        for step, patches in enumerate(self._batches(steps), start=1):
            losses.append(self._step(patches, optimizer))
            schedule.step()
            now = time.monotonic()
            if now - reported >= REPORT_SECONDS or step == steps:
                loss = float(torch.stack(losses).mean())
                report({"step": step, "steps": steps, "loss": loss, "seconds": now - started})
                reported = now
                losses.clear()

    def _step(self, patches: list[Patch], optimizer: torch.optim.Optimizer) -> Tensor:
        with mixed_precision(self._device):
            logits = self._model(stack(patches, self._device))
        targets = [self._targets(patch) for patch in patches]
        loss = segmentation_loss(logits, targets)
        optimizer.zero_grad()
        # Each process holds its own voxels' gradient, and DistributedDataParallel averages.
        (loss * self._world).backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), self._settings.clip_norm)
        optimizer.step()
        return loss.detach()

    def _targets(self, patch: Patch) -> list[LayerTarget]:
        """What a patch's labels say, per layer."""
        targets: list[LayerTarget] = []
        for layer in self._source.channels.layers:
            labels_zyx = torch.from_numpy(patch.labels[layer.layer]).to(self._device)
            targets.append(LayerTarget.of(layer, patch.allowed[layer.layer], labels_zyx))
        return targets

    def _batches(self, steps: int) -> Iterator[list[Patch]]:
        """This process's share of every batch, the next one prepared while this one is used."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            waiting = pool.submit(self._batch, 0)
            for step in range(1, steps + 1):
                patches = waiting.result()
                if step < steps:
                    waiting = pool.submit(self._batch, step)
                yield patches

    def _batch(self, step: int) -> list[Patch]:
        first = step * self._settings.batch
        mine = range(first + self._rank, first + self._settings.batch, self._world)
        return [self._source.patch(index) for index in mine]


def rate_share(step: int, steps: int, warmup: float) -> float:
    """Share of the learning rate at a step: linear rise, then a cosine down to 1 %."""
    rise = max(1, round(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    progress = (step - rise) / max(1, steps - rise)
    return LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2
