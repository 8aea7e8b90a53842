"""The state of a training on disk, from which a killed run goes on."""

from __future__ import annotations

from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor

from scalemai_core.errors import TrainingError
from scalemai_core.learn.train.state import TrainingState
from scalemai_core.learn.weights import UNREADABLE, packed, unpacked
from scalemai_core.records.training import TrainingPlan

FORMAT = 1


class KeepsBytes(Protocol):
    """Whole documents by path."""

    def read_bytes(self, path: str) -> bytes:
        """The whole document; raises FileNotFoundError."""
        ...

    def write_bytes(self, path: str, data: bytes) -> None:
        """Whole or not at all: what was there stays until the new is complete."""
        ...


class Checkpoints:
    """The one place of a plan's checkpoint, each replacing the one before."""

    def __init__(self, files: KeepsBytes, plan: TrainingPlan) -> None:
        self._files = files
        self._path = plan.checkpoint
        self._about = {"format": FORMAT, "key": plan.key, "weights": plan.weights}

    def write(self, state: TrainingState) -> None:
        """Called by every process: the first one writes."""
        if dist.is_initialized() and dist.get_rank() > 0:
            return
        tensors = {name: t.detach().cpu().contiguous() for name, t in state.tensors().items()}
        about = {**self._about, "step": state.step}
        self._files.write_bytes(self._path, packed(tensors, about))

    def resume(self, state: TrainingState) -> None:
        """Called by every process: the first one reads and tells the others.

        Without a checkpoint the state is left as it is. Raises TrainingError for one that is not
        of this plan.
        """
        step = torch.zeros((), dtype=torch.int64, device=next(state.network.parameters()).device)
        if not dist.is_initialized() or dist.get_rank() == 0:
            step.fill_(self._read(state))
        if dist.is_initialized():
            dist.broadcast(step, 0)
            if step > 0:
                for tensor in state.tensors().values():
                    _broadcast(tensor)
        state.resume_at(int(step))

    def _read(self, state: TrainingState) -> int:
        """Copy a checkpoint into the state; returns its step, 0 if there is none."""
        try:
            data = self._files.read_bytes(self._path)
        except FileNotFoundError:
            return 0
        try:
            stored, about = unpacked(data, self._path)
            step = int(about.pop("step"))
            if about != self._about:
                raise TrainingError(f"{self._path} belongs to another training: remove it")
            with torch.no_grad():
                for name, tensor in state.tensors().items():
                    tensor.copy_(stored[name])
        except (*UNREADABLE, RuntimeError) as error:
            raise TrainingError(
                f"{self._path} is no checkpoint of this training ({error!r}): remove it"
            ) from error
        return step


def _broadcast(tensor: Tensor) -> None:
    """From the first process to all, whatever the order of its axes in memory."""
    sent = tensor.detach().contiguous()
    dist.broadcast(sent, 0)
    with torch.no_grad():
        tensor.copy_(sent)
