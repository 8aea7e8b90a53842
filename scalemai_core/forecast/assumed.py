"""Rates where none were measured: orders of magnitude, marked as such wherever they are shown."""

from __future__ import annotations

from scalemai_core.records.forecast import (
    Rates,
    ReviewRate,
    StageRate,
    StorageRate,
    TrainingRate,
)
from scalemai_core.settings.engine import EngineSettings

VOXELS = 512.0 * 512.0 * 300.0
"""Of a scan that the seconds below belong to."""
PATCH_VOXELS = 128**3
PATCH_SECONDS = 0.25
"""Of one GPU for a patch of 128^3, forward and backward."""

STAGES = (
    StageRate(stage="ingest", gpu=False, share=1.0, seconds=6.0),
    StageRate(stage="predict", gpu=True, share=1.0, seconds=20.0),
    StageRate(stage="judge", gpu=False, share=1.0, seconds=4.0),
    StageRate(stage="rehearse", gpu=True, share=0.005, seconds=60.0),
    StageRate(stage="compare", gpu=False, share=1.0, seconds=3.0),
    StageRate(stage="reports", gpu=False, share=1.0, seconds=0.01),
    StageRate(stage="compose", gpu=False, share=1.0, seconds=3.0),
    StageRate(stage="views", gpu=False, share=0.5, seconds=2.0),
    StageRate(stage="revise", gpu=False, share=1.0, seconds=3.0),
    StageRate(stage="index", gpu=False, share=0.5, seconds=2.0),
    StageRate(stage="detect", gpu=True, share=0.005, seconds=40.0),
    StageRate(stage="evaluate", gpu=True, share=0.005, seconds=40.0),
)
"""In the order of a round."""
ORDER = tuple(stage.stage for stage in STAGES)

STORAGE = StorageRate(image=0.84, labels=0.02)
"""CT of which a third is air takes 0.8 bytes a voxel (docs/benchmarks.md)."""

QUESTION_SECONDS = 20.0
MASKS = 50.0
CORE_TIMES = 40.0
"""What a GPU does in a second takes a core so many."""


def assumed_rates(settings: EngineSettings, folds: int, *, first: bool, gpu: bool) -> Rates:
    """What these settings would cost; ``first``: the fold models start from scratch; without
    ``gpu`` cores do its work."""
    train, decide = settings.train, settings.decide
    times = 1.0 if gpu else CORE_TIMES
    models = folds + (1 if train.refit else 0)
    patch = float(settings.input.patch_zyx[0] * settings.input.patch_zyx[1])
    patch *= settings.input.patch_zyx[2] / PATCH_VOXELS
    return Rates(
        voxels=VOXELS,
        stages=tuple(
            stage.model_copy(update={"seconds": stage.seconds * (times if stage.gpu else 1.0)})
            for stage in STAGES
        ),
        training=TrainingRate(
            models=models,
            steps=train.steps if first else train.warm_steps,
            seconds=times * PATCH_SECONDS * patch * train.batch * train.accumulate,
            most_gpus=models * train.batch,
        ),
        review=ReviewRate(
            masks=MASKS, share=decide.budget * decide.round_share, seconds=QUESTION_SECONDS
        ),
        storage=STORAGE,
    )
