"""What is measured of a run between two reports."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

import torch
import torch.distributed as dist
from torch import Tensor

from scalemai_core.learn.feed.patches import Patch
from scalemai_core.records.progress import TrainingProgress
from scalemai_core.records.training import Part

REPORT_SECONDS = 2.0

SMOOTHED_STEPS = 50
"""Steps over which loss and gradient norm are averaged."""


class Meter:
    """Counts and clocks; its numbers stay on the device until somebody asks for them."""

    def __init__(self, step: int, steps: int) -> None:
        self._steps = steps
        self._first = step
        # Over steps, not since the last report: what is told of a step then hangs on no clock.
        self._losses: deque[Tensor] = deque(maxlen=SMOOTHED_STEPS)
        self._norms: deque[Tensor] = deque(maxlen=SMOOTHED_STEPS)
        self._started = time.monotonic()
        self._restart()

    def _restart(self) -> None:
        self._reported = time.monotonic()
        self._waited = 0.0
        self._own = dict.fromkeys(Part, 0)
        self._parts: list[Tensor] = []

    def waiting_for(self, batches: Iterator[list[Patch]]) -> Iterator[list[Patch]]:
        """The same batches; the time until each comes is counted."""
        while True:
            asked = time.monotonic()
            patches = next(batches, None)
            self._waited += time.monotonic() - asked
            if patches is None:
                return
            for patch in patches:
                self._own[patch.part] += 1
            yield patches

    def add(self, losses: list[Tensor], norm: Tensor) -> None:
        """A step's losses and the norm of its gradient; every process calls it."""
        self._losses.append(torch.stack(losses).mean())
        self._norms.append(norm)
        parts = torch.tensor(list(self._own.values()), device=norm.device)
        if dist.is_initialized():  # with quotas by sample index, one process sees no fair share
            dist.all_reduce(parts)
        self._parts.append(parts)
        self._own = dict.fromkeys(Part, 0)

    @property
    def finite(self) -> bool:
        """Whether the last losses and gradients are numbers."""
        return bool(torch.stack([*self._losses, *self._norms]).isfinite().all())

    def due(self, step: int) -> bool:
        """Whether it is time for a report."""
        return step == self._steps or time.monotonic() - self._reported >= REPORT_SECONDS

    def report(self, step: int, learning_rate: float) -> TrainingProgress:
        """What happened since the last report."""
        now = time.monotonic()
        seconds = max(now - self._reported, 1e-9)
        per_step = (now - self._started) / (step - self._first)
        parts = torch.stack(self._parts).sum(dim=0).tolist()
        progress = TrainingProgress(
            step=step,
            steps=self._steps,
            loss=float(torch.stack(list(self._losses)).mean()),
            gradient_norm=float(torch.stack(list(self._norms)).mean()),
            learning_rate=learning_rate,
            patches_per_second=sum(parts) / seconds,
            waiting=min(1.0, self._waited / seconds),
            seconds_left=per_step * (self._steps - step),
            composition={
                part: count / sum(parts) for part, count in zip(Part, parts, strict=True) if count
            },
        )
        self._restart()
        return progress
