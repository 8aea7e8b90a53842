"""A fold model's training as a run in MLflow, live."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from scalemai_core.records.progress import TrainingProgress
from scalemai_core.records.training import TrainingPlan
from scalemai_core.settings.engine import TrackingSettings
from scalemai_core.store.files import STORE_ERRORS
from scalemai_core.store.workspace import Workspace
from tasks.tracking.server import FINISHED, TrackingServer
from tasks.tracking.tags import FOLD_TAG, KEY_TAG

log = logging.getLogger("scalemai.tracking")

EXAMPLES = "examples"
"""Folder of the pictures among a run's artifacts."""

PAUSE_SECONDS = 60.0
"""After a failure, so that a server that is down does not hold up the training."""


class TrainingRun:
    """The run of one fold model, found again by its tags when a killed training goes on.

    A tracking server that cannot be reached at the start is an error; one that fails later costs
    numbers, never the training.
    """

    def __init__(
        self, store: Workspace, settings: TrackingSettings, training: TrainingPlan
    ) -> None:
        server = TrackingServer(store, settings)
        self._client = server.client
        self._quiet_until = 0.0
        tags = {KEY_TAG: training.key, FOLD_TAG: str(training.fold)}
        run = server.open_run(tags, f"model {training.key}: {training.title}")
        self.finished = run.info.status == FINISHED
        self._id = run.info.run_id
        known = self._client.get_metric_history(self._id, "loss")
        self._last_step = max((point.step for point in known), default=0)

    def log(self, progress: TrainingProgress) -> None:
        """Numbers by step; steps that a killed run told of before it was killed are left out."""
        if progress.step > self._last_step:
            self._last_step = progress.step
            milliseconds = int(time.time() * 1000)
            points = [
                Metric(name, value, milliseconds, progress.step)
                for name, value in _numbers(progress).items()
            ]
            self._try(self._client.log_batch, self._id, metrics=points)

    def finish(self, pictures: Mapping[str, bytes]) -> None:
        """Add PNG pictures by name, and close the run."""
        self._quiet_until = 0.0
        with tempfile.TemporaryDirectory(prefix="scalemai-examples-") as scratch:
            for name, png in pictures.items():
                (Path(scratch) / name).write_bytes(png)
            self._try(self._client.log_artifacts, self._id, scratch, EXAMPLES)
        self._quiet_until = 0.0  # a server that takes no pictures still closes runs
        self._try(self._client.set_terminated, self._id, FINISHED)

    def fail(self) -> None:
        """Close the run of a training that failed; going on opens it again."""
        self._try(self._client.set_terminated, self._id, "FAILED")

    def _try(self, act: Callable[..., object], *arguments: Any, **named: Any) -> None:
        if time.monotonic() < self._quiet_until:
            return
        try:
            act(*arguments, **named)
        except (MlflowException, *STORE_ERRORS) as error:
            self._quiet_until = time.monotonic() + PAUSE_SECONDS
            log.warning("the tracking server did not take a training's numbers: %s", error)


def _numbers(progress: TrainingProgress) -> dict[str, float]:
    named = {
        "loss": progress.loss,
        "gradient_norm": progress.gradient_norm,
        "learning_rate": progress.learning_rate,
        "patches_per_second": progress.patches_per_second,
        "waiting": progress.waiting,
    }
    return named | {f"share_{part}": share for part, share in progress.composition.items()}
