"""Arms of a study, played side by side and kept: what is finished is not played again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

Scores = dict[str, float | None]
"""What one arm reached with one seed, by what was measured; None where there was nothing."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One arm with one seed."""

    arm: str
    seed: int


class Trials:
    """The results of a study: ``<folder>/<arm>-<seed>.json``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def play(self, wanted: Sequence[Trial], work: Callable[[Trial], Scores], jobs: int) -> None:
        """Play what has no result yet; ``work`` can be sent to another process."""
        os.environ["OMP_NUM_THREADS"] = "1"  # the processes that are started inherit it
        self._folder.mkdir(parents=True, exist_ok=True)
        missing = [trial for trial in wanted if not self._path(trial).exists()]
        with ProcessPoolExecutor(jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
            running = {pool.submit(work, trial): trial for trial in missing}
            for job in as_completed(running):
                self._write(running[job], job.result())
                print(f"finished {running[job].arm}, seed {running[job].seed}", flush=True)

    def scores(self, trial: Trial) -> Scores:
        """A finished one's."""
        return json.loads(self._path(trial).read_text())

    def over_seeds(self, arm: str, seeds: Sequence[int], name: str) -> np.ndarray:
        """One number of an arm, by seed."""
        found = [self.scores(Trial(arm, seed))[name] for seed in seeds]
        return np.array([np.nan if one is None else one for one in found], dtype=np.float64)

    def _path(self, trial: Trial) -> Path:
        return self._folder / f"{trial.arm.replace(' ', '-')}-{trial.seed}.json"

    def _write(self, trial: Trial, scores: Scores) -> None:
        draft = self._path(trial).with_suffix(".draft")
        draft.write_text(json.dumps(scores, indent=1))
        draft.rename(self._path(trial))
