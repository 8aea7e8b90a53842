"""What a training run says of itself while it runs."""

from __future__ import annotations

from scalemai_core.records.base import Record
from scalemai_core.records.training import Part


class TrainingProgress(Record):
    """Where a run is, over all its processes."""

    step: int
    """Optimiser steps done, those before the run went on included."""
    steps: int
    loss: float
    """Mean of the last steps."""
    gradient_norm: float
    """Before clipping, mean of the last steps."""
    learning_rate: float
    patches_per_second: float
    waiting: float
    """Share of the time in which the network had no patch to work on."""
    seconds_left: float
    composition: dict[Part, float]
    """Share of the patches by what they were drawn from."""
