"""What a training process is told: which cases, which channels, which settings."""

from __future__ import annotations

from pydantic import Field

from scalemai_core.records.base import Record
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import Layer
from scalemai_core.settings.learning import InputSettings, NetworkSettings, TrainSettings

ChannelNames = dict[Layer, tuple[str, ...]]
"""Structures with an output channel of their own, per layer, in channel order."""


class TrainingCase(Record):
    """One scan with its label maps and what is not known of it."""

    scan_id: str
    patient: str
    grid: Grid
    label_maps: dict[Layer, str | None]
    """Hash of each layer's label map; None where the layer holds no voxels."""
    unknown: tuple[str, ...] = ()
    """Structures without information or on hold, parents included: they give no gradient.

    A parent that is not listed is known: where its voxels are not, its parts are not either.
    """
    weights: dict[str, float] = Field(default_factory=dict)
    """Known structures whose masks have less than 1 to say."""


class TrainingPlan(Record):
    """Everything that decides one fold model's weights."""

    workspace: str
    """URL."""
    key: str
    """Folder of the model below ``models/``."""
    fold: int
    """The model never sees this fold's patients; the cases were chosen so."""
    cases: tuple[TrainingCase, ...]
    channels: ChannelNames
    network: NetworkSettings
    input: InputSettings
    train: TrainSettings
    seed: int = 0
    init: str | None = None
    """Weights to continue from, a path below the workspace; None starts from scratch."""
    device: str = "auto"
    """``cpu``, ``cuda``, or ``auto``."""
    threads: int = 1
    """CPU threads of each process."""

    @property
    def weights(self) -> str:
        """Where the finished weights go, below the workspace."""
        return weights_path(self.key, self.fold)


def weights_path(key: str, fold: int) -> str:
    """Place of one fold model's weights below the workspace."""
    return f"models/{key}/fold_{fold}.safetensors"
