"""What a training process is told: which cases, which channels, which settings."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from scalemai_core.errors import UsageError
from scalemai_core.records.base import Record
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import Layer
from scalemai_core.records.stratum import Stratum
from scalemai_core.settings.learning import InputSettings, NetworkSettings, TrainSettings
from scalemai_core.settings.tumours import TumourSettings

ChannelNames = dict[Layer, tuple[str, ...]]
"""Structures with an output channel of their own, per layer, in channel order."""


class Part(StrEnum):
    """What a sample is drawn from; MixSettings has a share of each name."""

    TRUSTED = "trusted"
    """Masks of a source, and what people vouched for in earlier rounds."""
    REVIEWED = "reviewed"
    """Masks that people judged or drew in this round."""
    PSEUDO = "pseudo"
    """Masks that a model or a rule made."""
    SYNTHETIC = "synthetic"
    """A tumour drawn into a known organ."""


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
    trusted: bool = True
    """Whether any structure with voxels is neither reviewed nor pseudo-labelled."""
    reviewed: tuple[str, ...] = ()
    """Structures with voxels that people judged or drew in this round."""
    pseudo: tuple[str, ...] = ()
    """Structures with voxels that a model or a rule made."""
    tumours: tuple[str, ...] = ()
    """Known lesion structures of which a tumour may be drawn: there is an organ for it."""


class TrainingPlan(Record):
    """Everything that decides one fold model's weights."""

    workspace: str
    """URL."""
    key: str
    """Folder of the model below ``models/``."""
    fold: int | None
    """The model never sees this fold's patients; the cases were chosen so. None sees all."""
    cases: tuple[TrainingCase, ...]
    channels: ChannelNames
    network: NetworkSettings
    input: InputSettings
    train: TrainSettings
    tumours: TumourSettings = TumourSettings()
    missed: tuple[Stratum, ...] = ()
    """Lesions that the last model missed: their like is drawn more often."""
    seed: int = 0
    init: str | None = None
    """Weights to continue from, a path below the workspace; None starts from scratch."""
    device: str = "auto"
    """``cpu``, ``cuda``, or ``auto``."""
    threads: int = 1
    """CPU threads of each process."""
    feed_workers: int = 0
    """Processes that prepare each training process's patches; 0 takes a thread."""

    def check_processes(self, processes: int) -> None:
        """Raise UsageError unless every process has as large a share of a batch."""
        if self.train.batch % processes:
            raise UsageError(
                f"train.batch {self.train.batch} must be a multiple of the {processes} processes"
            )

    @property
    def title(self) -> str:
        """What a person reads: ``fold 1``, or ``all folds``."""
        return "all folds" if self.fold is None else f"fold {self.fold}"

    @property
    def steps(self) -> int:
        """Optimiser steps: fewer from earlier weights than from scratch."""
        return self.train.steps if self.init is None else self.train.warm_steps

    @property
    def checkpoint(self) -> str:
        """Where a training that is not finished keeps all it needs to go on."""
        return self.weights.removesuffix(".safetensors") + ".checkpoint.safetensors"

    @property
    def document(self) -> str:
        """Where the plan lies while its processes need it."""
        return self.weights.removesuffix(".safetensors") + ".plan.json"

    @property
    def samples(self) -> int:
        """Patches of the whole training."""
        return self.steps * self.train.accumulate * self.train.batch

    @property
    def weights(self) -> str:
        """Where the finished weights go, below the workspace."""
        name = "refit" if self.fold is None else f"fold_{self.fold}"
        return f"models/{self.key}/{name}.safetensors"
