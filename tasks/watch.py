"""Who hears of a training while it runs: the log, Prefect's page, MLflow."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from scalemai_core.records.pace import Pace
from scalemai_core.records.progress import TrainingProgress
from scalemai_core.records.training import TrainingPlan
from scalemai_core.store.workspace import Workspace
from tasks.claim import check_claim
from tasks.pace import keep_pace, pace_line
from tasks.titles import artifact_key
from tasks.tracking.training import TrainingRun

log = logging.getLogger("scalemai.train")

EVERY_SECONDS = 10.0


class Watch:
    """Tells of a fold model's progress about every ten seconds, and of its last step.

    Each time it looks whether the round is still its own: a training on a cluster outlives the flow
    that began it, and two of one fold would write the same checkpoints.
    """

    def __init__(
        self,
        training: TrainingPlan,
        run: TrainingRun,
        number: int,
        claim: int | None,
        workers: int,
    ) -> None:
        """``number`` of the round, and its claim; ``workers`` are the processes that train
        together."""
        self._training = training
        self._title = training.title
        self._run = run
        self._number = number
        self._claim = claim
        self._workers = workers
        self._told = -EVERY_SECONDS
        self._bar: UUID | None = None
        self._first: tuple[float, int] | None = None

    def __call__(self, progress: TrainingProgress) -> None:
        """Pass on one report of the run; raises ClaimLostError, which ends it."""
        now = time.monotonic()
        if now - self._told < EVERY_SECONDS and progress.step < progress.steps:
            return
        self._told = now
        check_claim(self._training.workspace, self._claim)
        drawn = ", ".join(f"{share:.0%} {part}" for part, share in progress.composition.items())
        log.info(
            "%s: step %d of %d, loss %.3f, %.1f patches/s (%s), waiting %.0f %%, %.0f s left",
            self._title,
            progress.step,
            progress.steps,
            progress.loss,
            progress.patches_per_second,
            drawn,
            100 * progress.waiting,
            progress.seconds_left,
        )
        self._show(self._pace(now, progress))
        self._run.log(progress)

    def _pace(self, now: float, progress: TrainingProgress) -> Pace:
        """How long processes took to start belongs to no step: the first report tells what steps
        take, also where it is the only one."""
        if self._first is None and progress.patches_per_second > 0:
            patches = progress.step * self._training.train.batch
            self._first = (now - patches / progress.patches_per_second, 0)
        started, before = self._first or (now, progress.step)
        return Pace(
            stage=f"training {self._title}",
            unit="steps",
            total=progress.steps,
            before=before,
            done=progress.step,
            shards=1,
            wall_seconds=now - started,
            work_seconds=(now - started) * self._workers,
            told=datetime.now(UTC),
        )

    def _show(self, pace: Pace) -> None:
        """A bar on Prefect's page, and a document in the workspace."""
        training = self._training
        said = f"Model {training.key}, {pace_line(pace)}"
        if self._bar is None:
            key = artifact_key(training.workspace, bar_key(training))
            bar = create_progress_artifact(0.0, key=key, description=said)
            self._bar = cast(UUID, bar)
        update_progress_artifact(self._bar, 100.0 * pace.share, description=said)
        keep_pace(Workspace.open(training.workspace), self._number, bar_key(training), pace)


def bar_key(training: TrainingPlan) -> str:
    """What the bar and its document are called."""
    which = "refit" if training.fold is None else f"fold-{training.fold}"
    return f"training-{training.key}-{which}"
