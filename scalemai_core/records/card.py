"""What people should know of a model before they use it."""

from __future__ import annotations

from scalemai_core.records.base import Record
from scalemai_core.records.detection import DetectionReport
from scalemai_core.records.gold import GoldScore
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.version import DatasetVersion
from scalemai_core.settings.learning import TrainSettings


class SourceCount(Record):
    """What one source gave to training."""

    source: str
    scans: int
    patients: int


class MaskCount(Record):
    """Annotations of training scans that were made in one way."""

    state: str
    origin: str
    masks: int


class Population(Record):
    """Whom the training scans show; what a source does not say is not counted."""

    scans: int
    patients: int
    sources: tuple[SourceCount, ...]
    masks: tuple[MaskCount, ...]
    held: int
    """Annotations that were too doubtful to teach."""
    sexes: dict[str, int]
    """Patients by sex."""
    ages: tuple[float, float, float] | None
    """Youngest, median and oldest in years."""
    phases: dict[str, int]
    """Scans by contrast phase."""
    centres: int


class ReportedScore(Record):
    """One structure in gold ``test``, means over the scans that have it."""

    structure: str
    patients: int
    dice: float
    nsd: float | None


class ModelCard(Record):
    """``models/<key>/card.json``: where a model comes from, what it was measured at, its limits."""

    name: str
    """Of the registered model."""
    model: ModelDocument
    num_parameters: int
    """Of one of its networks."""
    dataset: DatasetVersion
    """What it was trained on."""
    train: TrainSettings
    seed: int
    trained: Population
    gold: GoldScore | None
    """On gold ``select``; None where no gold patient is there."""
    test: tuple[ReportedScore, ...]
    verdict: str
    """Whether it was promoted, and why."""
    lesions: DetectionReport | None = None


def card_path(model_key: str) -> str:
    """Place of a model's card below the workspace, beside its weights."""
    return f"models/{model_key}/card.json"
