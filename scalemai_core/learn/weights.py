"""Weights as safetensors with the channels they were trained for; no pickle is ever read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from scalemai_core.errors import TrainingError, WorkspaceError
from scalemai_core.learn.channels import channel_titles
from scalemai_core.learn.network.segmenter import Segmenter
from scalemai_core.learn.network.state import load_unique_state, unique_state
from scalemai_core.records.label_map import Layer
from scalemai_core.records.training import ChannelNames
from scalemai_core.store.seal import OWN, UNSEALED, check_seal, seal
from scalemai_core.store.tensor_file import ABOUT, contents

UNREADABLE = (WorkspaceError, SafetensorError, ValueError, KeyError)
"""What reading a safetensors document may raise."""


class ReadsBytes(Protocol):
    """Whole documents by path."""

    def read_bytes(self, path: str) -> bytes:
        """The whole document; raises FileNotFoundError."""
        ...


@dataclass(frozen=True, slots=True)
class Weights:
    """A network's tensors and the meaning of its head's rows."""

    tensors: dict[str, Tensor]
    channels: ChannelNames

    @classmethod
    def of(cls, network: Segmenter, channels: ChannelNames) -> Weights:
        """A copy of a network's weights, on the CPU."""
        state = unique_state(network)
        return cls({name: t.detach().cpu().contiguous() for name, t in state.items()}, channels)

    @classmethod
    def from_bytes(cls, data: bytes, path: str) -> Weights:
        """Read a safetensors document; raises TrainingError naming ``path``."""
        try:
            tensors, about = unpacked(data, path)
            channels = about["channels"].items()
        except UNREADABLE as error:
            raise TrainingError(f"{path} holds no weights of this engine: {error!r}") from error
        return cls(tensors, {Layer(layer): tuple(names) for layer, names in channels})

    def to_bytes(self) -> bytes:
        """A safetensors document."""
        return packed(self.tensors, {"channels": self.channels})

    def into(self, network: Segmenter, channels: ChannelNames) -> None:
        """Load all weights that fit: head rows by channel name, new channels keep their own start.

        Raises TrainingError if the network is another one.
        """
        tensors = dict(self.tensors)
        if channels != self.channels:
            own = network.state_dict()
            for name in ("head.weight", "head.bias"):
                tensors[name] = self._rows_by_title(tensors[name], own[name], channels)
        try:
            load_unique_state(network, tensors)
        except RuntimeError as error:
            raise TrainingError(f"weights of another network: {error}") from error

    def _rows_by_title(self, stored: Tensor, own: Tensor, channels: ChannelNames) -> Tensor:
        row_of = {title: row for row, title in enumerate(channel_titles(self.channels))}
        rows = own.clone()
        for row, title in enumerate(channel_titles(channels)):
            if title in row_of:
                rows[row] = stored[row_of[title]].to(rows)
        return rows


def packed(tensors: dict[str, Tensor], about: dict[str, Any]) -> bytes:
    """A safetensors document, under a checksum, with what it says of itself."""
    # Under one key: of several, safetensors writes any first.
    return seal(save(tensors, {OWN: json.dumps({"about": about} | UNSEALED)}))


def unpacked(data: bytes, path: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and what the document says of itself.

    Raises one of UNREADABLE where it is none of ours, or not as it was written.
    """
    check_seal(data, path)
    return load(data), json.loads(contents(data)[ABOUT][OWN])["about"]


def load_weights(files: ReadsBytes, path: str) -> Weights:
    """Read weights by path; raises TrainingError."""
    try:
        return Weights.from_bytes(files.read_bytes(path), path)
    except FileNotFoundError as error:
        raise TrainingError(f"no weights at {path}: was the training finished?") from error
