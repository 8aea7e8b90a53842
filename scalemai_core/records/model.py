"""The document beside a model's weights."""

from __future__ import annotations

from scalemai_core.records.base import Record
from scalemai_core.records.training import ChannelNames
from scalemai_core.settings.learning import InputSettings, NetworkSettings

MODEL_FORMAT = 1


class ModelDocument(Record):
    """``models/<key>/model.json``: what is needed to use the weights, and their origin."""

    format: int = MODEL_FORMAT
    key: str
    taxonomy_version: str
    channels: ChannelNames
    network: NetworkSettings
    input: InputSettings
    folds: tuple[str, ...]
    """Weights of fold 0, 1, ..., paths below the workspace."""
    refit: str | None = None
    """Weights of a model that was trained on all folds' scans, for consumers alone."""
    round: int
    dataset_version: int
    """The dataset version it was trained on."""
    code_version: str

    @property
    def served(self) -> tuple[str, ...]:
        """Weights that consumers average: the refitted model, or all fold models."""
        return self.folds if self.refit is None else (self.refit,)

    @property
    def path(self) -> str:
        """Its own place below the workspace."""
        return model_path(self.key)


def model_path(key: str) -> str:
    """Place of a model's document below the workspace."""
    return f"models/{key}/model.json"
