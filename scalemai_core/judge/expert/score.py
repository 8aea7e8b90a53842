"""One learned score a mask: the Dice to the truth that its features let expect, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import (  # pyright: ignore[reportMissingTypeStubs]
    HistGradientBoostingRegressor,
)
from sklearn.model_selection import GroupKFold  # pyright: ignore[reportMissingTypeStubs]
from skops import io as skops  # pyright: ignore[reportMissingTypeStubs]
from threadpoolctl import threadpool_limits  # pyright: ignore[reportMissingTypeStubs]

from scalemai_core.errors import UsageError
from scalemai_core.judge.expert.features import FALLING
from scalemai_core.judge.expert.trees import Trees

Floats = NDArray[np.float64]

FOLDS = 5
"""Parts into which patients are split: each is scored by trees that learned from the others."""

LEVELS = 255
"""Different numbers of a feature that trees learn from: as many as they tell apart anyway."""

LEAST_ERROR = 0.02
"""No score is believed to be closer to the truth than this."""

TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
"""The only type beyond NumPy's that a stored score may hold: nothing else is ever loaded."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """Expected Dice of masks, and the error to expect of it; one value a mask."""

    dice: Floats
    error: Floats

    def above(self, threshold: Floats) -> Floats:
        """Errors by which the Dice is expected to exceed a threshold."""
        return (self.dice - threshold) / self.error

    def beyond(self, other: Estimate) -> Floats:
        """Errors by which these masks are expected to be better than others."""
        return (self.dice - other.dice) / np.hypot(self.error, other.error)

    def __getitem__(self, rows: NDArray[Any]) -> Estimate:
        """Some of the masks."""
        return Estimate(self.dice[rows], self.error[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Masks whose truth is known: features, Dice, how much each has to say, and whose it is."""

    features: pl.DataFrame
    dice: Floats
    weight: Floats
    patients: Sequence[str]


class Score:
    """Gradient boosted trees from features to Dice; missing numbers are information too."""

    def __init__(self, names: Sequence[str], trees: Any, errors: Any) -> None:
        self.names = tuple(names)
        self._trees = trees
        self._errors = errors
        self._read_out = Trees.of(trees), Trees.of(errors)

    @classmethod
    def fit(cls, lesson: Lesson, seed: int) -> tuple[Self, Estimate]:
        """Learn from a lesson; returns the score, and what it says of each of the lesson's masks
        when it has learned from other patients only.

        A feature that is missing everywhere is left out. The errors to expect are learned from
        those held-out scores.
        """
        names = [
            name for name in lesson.features.columns if lesson.features[name].is_finite().any()
        ]
        x = lesson.features.select(names).to_numpy()
        levelled = np.column_stack([_levelled(numbers) for numbers in x.T])
        school = _School(names, x, levelled, lesson, seed)
        held_out = school.held_out(lesson.dice)
        misses = np.abs(held_out - lesson.dice)
        score = cls(names, school.fit(lesson.dice), school.fit(misses))
        errors = school.held_out(misses)
        return score, Estimate(np.clip(held_out, 0.0, 1.0), np.hypot(errors, LEAST_ERROR))

    def __call__(self, features: pl.DataFrame) -> Estimate:
        """One estimate a row; raises UsageError where a feature is missing."""
        if missing := set(self.names) - set(features.columns):
            raise UsageError(f"the score needs the features {', '.join(sorted(missing))}")
        if not features.height:
            return Estimate(np.zeros(0), np.zeros(0))
        x = features.select(self.names).to_numpy()
        dice, errors = (trees(x) for trees in self._read_out)
        return Estimate(np.clip(dice, 0.0, 1.0), np.hypot(errors, LEAST_ERROR))

    def dumps(self) -> bytes:
        """Its own file; read back without executing anything that it says."""
        stored = {"names": list(self.names), "trees": self._trees, "errors": self._errors}
        return cast("bytes", cast("Any", skops).dumps(stored))

    @classmethod
    def loads(cls, data: bytes) -> Self:
        """Back from ``dumps``; raises UsageError if the data hold anything but a score."""
        try:
            stored = cast("Any", skops).loads(data, trusted=TRUSTED)
            return cls(stored["names"], stored["trees"], stored["errors"])
        except Exception as error:  # a foreign file may make it raise anything
            raise UsageError(f"not a stored score: {error}") from error


@dataclass(frozen=True, slots=True, eq=False)
class _School:
    """Fits trees to a lesson, one target after the other, on all of its masks or on some."""

    names: Sequence[str]
    x: Floats
    """Features [masks, names]."""
    levelled: Floats
    """The same at their levels: what trees learn from."""
    lesson: Lesson
    seed: int

    def fit(self, target: Floats, rows: NDArray[Any] | slice = slice(None)) -> Any:
        """Trees that learned the target of some masks."""
        trees = cast("Any", HistGradientBoostingRegressor)(
            max_iter=250,
            learning_rate=0.04,
            max_leaf_nodes=31,
            max_features=0.2,
            min_samples_leaf=20,
            l2_regularization=1.0,
            early_stopping=False,
            monotonic_cst=[-1 if name in FALLING else 0 for name in self.names],
            random_state=self.seed,
        )
        weight = self.lesson.weight[rows]
        # Thousands of short loops: threads that wait for one another at the end of each take many
        # times as long wherever a core is busy with something else.
        with threadpool_limits(1, user_api="openmp"):
            return trees.fit(self.levelled[rows], target[rows], sample_weight=weight)

    def held_out(self, target: Floats) -> Floats:
        """What trees say of each mask that learned the target from other patients."""
        patients = list(self.lesson.patients)
        num = min(FOLDS, len(set(patients)))
        if num < 2:  # noqa: PLR2004 - nobody is left to learn from
            raise UsageError("a score needs masks of at least two patients")
        found = np.zeros(len(target))
        for learned, held_out in cast("Any", GroupKFold(num)).split(target, groups=patients):
            found[held_out] = Trees.of(self.fit(target, learned))(self.x[held_out])
        return found


def _levelled(numbers: Floats) -> Floats:
    """A feature's numbers moved to the nearest of so many of them; what is none stays.

    The trees' library finds the levels of a weighted lesson by sorting it once for each, in every
    fit: two thirds of the time. Here they are found once.
    """
    known = np.isfinite(numbers)
    shares = np.linspace(0.0, 1.0, LEVELS)
    levels = np.unique(np.quantile(numbers[known], shares, method="nearest"))
    between = (levels[1:] + levels[:-1]) / 2
    return np.where(known, levels[np.searchsorted(between, numbers)], numbers)
