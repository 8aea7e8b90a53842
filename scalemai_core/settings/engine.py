"""Every knob of the engine: frozen, documented under each field, unknown keys refused.

Functions take the section they need, never the whole tree. Sources of defaults are sections of the
method reference (docs/method.md) unless marked "ours".
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scalemai_core.settings.judgement import (
    DecideSettings,
    ExpertSettings,
    JudgeSettings,
    StopSettings,
)
from scalemai_core.settings.learning import (
    InputSettings,
    NetworkSettings,
    PredictSettings,
    TrainSettings,
)
from scalemai_core.settings.lesions import LesionSettings
from scalemai_core.settings.radiology import RadiologySettings
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.settings.section import Section
from scalemai_core.settings.tumours import TumourSettings
from scalemai_core.settings.vision import VisionSettings


class ComputeSettings(Section):
    """Where the work runs."""

    dask: str = "none"
    """``none``: this process; ``local``: a Dask cluster here; else a scheduler's address."""
    workers: int = Field(default=2, ge=1)
    """Shards worked at the same time (threads in-process, processes on a local cluster)."""
    shard_size: int = Field(default=16, ge=1)
    """Scans a task handles; hundreds of tasks a round, never one a scan. Ours."""
    shard_retries: int = Field(default=3, ge=0)
    """How often a shard is worked again after an error that may pass: a throttling or silent store,
    a cut connection. Bad data and bad use are never tried again. Ours."""
    retry_seconds: float = Field(default=5.0, ge=0)
    """Pause before a shard's first retry; it doubles with each one, and is varied by half. Ours."""
    max_failed_share: float = Field(default=0.1, ge=0, le=1)
    """Share of a stage's scans that may be set aside because their shards keep failing, worker
    processes that die over them included; above it the round fails. 0: any such shard fails it.
    Scans that are set aside one by one, for bad data, do not count. Ours."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device of prediction and training; ``auto`` takes CUDA where there is one."""
    train_processes: int = Field(default=1, ge=1)
    """Processes of a training run (one a GPU, or gloo on CPU)."""
    threads: int = Field(default=2, ge=1)
    """CPU threads of one torch process."""
    feed_workers: int = Field(default=0, ge=0)
    """Processes that prepare patches for each training process; 0 prepares them in a thread."""
    gpu_resource: str = ""
    """Label of the Dask workers that have a GPU (``dask worker --resources "GPU=1"``): what needs
    one is asked for with it, the rest goes to any worker. Empty: workers are all alike."""
    nodes: int = Field(default=1, ge=1)
    """Machines of a training run, each with ``train_processes``. Behind a scheduler's address Dask
    starts one torchrun on each; without one, each is started by hand."""
    rendezvous: str = ""
    """``host:port`` at which the machines of a training run meet. Empty: a free port of the first
    machine that Dask chose."""


class EvaluateSettings(Section):
    """Promotion."""

    primary: Literal["dice", "nsd", "lesion_sensitivity"] = "dice"
    """The one number that must rise: mean Dice or mean surface Dice of the structures, or the share
    of lesions found at each model's own operating points. Method reference, section 10.3."""
    min_patients: int = Field(default=3, ge=2)
    """Gold ``select`` patients below which promotion is not assessable, and below which a structure
    has no bound of its own."""
    margin_dice: float = Field(default=0.02, ge=0)
    """A structure's lower bound may not fall below minus this against the champion."""
    bootstraps: int = Field(default=2000, ge=100)
    """Resamples of patients; section 10.3."""
    promote_unassessed: bool = False
    """Move the champion although too few gold patients exist to compare."""
    open_test: bool = True
    """Report gold ``test`` for every new model. It decides nothing, and each time is logged."""


class TrackingSettings(Section):
    """MLflow."""

    uri: str | None = None
    """Tracking server; None keeps SQLite and artifacts with the workspace's local state."""
    model: str = "scalemai"
    """Name in the model registry."""


class EngineSettings(Section):
    """All sections of one round."""

    seed: int = 0
    """Seed of everything drawn in a round."""
    compute: ComputeSettings = ComputeSettings()
    network: NetworkSettings = NetworkSettings()
    input: InputSettings = InputSettings()
    predict: PredictSettings = PredictSettings()
    judge: JudgeSettings = JudgeSettings()
    expert: ExpertSettings = ExpertSettings()
    vision: VisionSettings = VisionSettings()
    radiology: RadiologySettings = RadiologySettings()
    decide: DecideSettings = DecideSettings()
    lesions: LesionSettings = LesionSettings()
    review: ReviewSettings = ReviewSettings()
    train: TrainSettings = TrainSettings()
    tumours: TumourSettings = TumourSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    stop: StopSettings = StopSettings()
    tracking: TrackingSettings = TrackingSettings()
