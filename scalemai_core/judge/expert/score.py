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

from scalemai_core.errors import UsageError
from scalemai_core.judge.expert.features import FALLING
from scalemai_core.judge.expert.trees import Trees

Floats = NDArray[np.float64]

FOLDS = 5
"""Parts into which patients are split: each is scored by trees that learned from the others."""

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

    def __getitem__(self, rows: NDArray[Any]) -> Lesson:
        """Some of the masks."""
        patients = np.asarray(self.patients)[rows].tolist()
        return Lesson(self.features[rows], self.dice[rows], self.weight[rows], patients)


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
        held_out = _held_out(lesson, names, lesson.dice, seed)
        misses = np.abs(held_out - lesson.dice)
        score = cls(
            names,
            _fit(lesson, names, lesson.dice, seed),
            _fit(lesson, names, misses, seed),
        )
        errors = _held_out(lesson, names, misses, seed)
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


def _fit(lesson: Lesson, names: Sequence[str], target: Floats, seed: int) -> Any:
    trees = cast("Any", HistGradientBoostingRegressor)(
        max_iter=250,
        learning_rate=0.04,
        max_leaf_nodes=31,
        max_features=0.2,
        min_samples_leaf=20,
        l2_regularization=1.0,
        early_stopping=False,
        monotonic_cst=[-1 if name in FALLING else 0 for name in names],
        random_state=seed,
    )
    x = lesson.features.select(names).to_numpy()
    return trees.fit(x, target, sample_weight=lesson.weight)


def _held_out(lesson: Lesson, names: Sequence[str], target: Floats, seed: int) -> Floats:
    """Predictions of the target by trees that learned from other patients."""
    num = min(FOLDS, len(set(lesson.patients)))
    if num < 2:  # noqa: PLR2004 - nobody is left to learn from
        raise UsageError("a score needs masks of at least two patients")
    found = np.zeros(len(target))
    splits = cast("Any", GroupKFold(num)).split(target, groups=list(lesson.patients))
    for learned, held_out in splits:
        trees = _fit(lesson[learned], names, target[learned], seed)
        found[held_out] = trees.predict(lesson.features[held_out].select(names).to_numpy())
    return found
