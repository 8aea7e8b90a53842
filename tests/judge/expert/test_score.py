"""The learned score: of numbers it never met, and of patients it did not learn from."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from scalemai_core.errors import UsageError
from scalemai_core.judge.expert.score import Lesson, Score

MASKS = 6000


def lesson(seed: int, masks: int = MASKS) -> Lesson:
    """Dice that follow one feature of thousands of different numbers, some of them missing."""
    rng = np.random.default_rng(seed)
    telling = rng.lognormal(size=masks)
    dice = np.exp(-telling / 3)
    telling[::10], dice[::10] = np.nan, 0.1
    features = pl.DataFrame({"telling": telling, "empty": np.nan})
    patients = [f"patient {number % 20}" for number in range(masks)]
    return Lesson(features, dice, np.ones(masks), patients)


def test_it_scores_numbers_between_those_it_learned_from() -> None:
    score, held_out = Score.fit(lesson(1), seed=3)
    assert score.names == ("telling",), "what is missing everywhere teaches nothing"
    unseen = lesson(2)
    misses = np.abs(score(unseen.features).dice - unseen.dice)
    assert misses.mean() < 0.01
    assert misses[::10].max() < 0.05, "that a number is missing is information too"
    assert np.abs(held_out.dice - lesson(1).dice).mean() == pytest.approx(misses.mean(), abs=0.005)


def test_what_it_says_of_a_lesson_is_learned_from_other_patients() -> None:
    plain = lesson(4, 2000)
    odd = np.array(plain.patients) == "patient 7"
    features = plain.features.with_columns(telling=pl.Series(np.where(odd, 50.0, 1.0)))
    dice = np.where(odd, 0.2, 0.9)
    score, held_out = Score.fit(Lesson(features, dice, plain.weight, plain.patients), seed=0)
    np.testing.assert_allclose(score(features).dice, dice, atol=0.05)
    np.testing.assert_allclose(held_out.dice, 0.9, atol=0.05)


def test_masks_of_one_patient_are_no_lesson() -> None:
    plain = lesson(5, 100)
    alone = Lesson(plain.features, plain.dice, plain.weight, ["patient 1"] * 100)
    with pytest.raises(UsageError, match="at least two patients"):
        Score.fit(alone, seed=0)
