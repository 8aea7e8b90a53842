"""The reader made of the truth: takes the better mask, draws where none is good, errs as told."""

from __future__ import annotations

import numpy as np
import pytest

from scalemai_core.records.decision import Candidate
from scalemai_core.review.simulated import Reply, answer
from scalemai_core.settings.review import ReviewSettings

PERFECT = ReviewSettings(error_rate=0.0, good_dice=0.9)


def said(current: float | None, prediction: float | None, *, may_draw: bool = True) -> Reply:
    shown = masks(current, prediction)
    return answer(shown, PERFECT, np.random.default_rng(0), may_draw=may_draw)


def masks(current: float | None, prediction: float | None) -> dict[Candidate, float | None]:
    return {Candidate.CURRENT: current, Candidate.PREDICTION: prediction}


@pytest.mark.parametrize(
    ("current", "prediction", "choice"),
    [
        (0.95, 0.91, Candidate.CURRENT),
        (0.91, 0.95, Candidate.PREDICTION),
        (0.2, 0.95, Candidate.PREDICTION),
        (0.5, 0.6, Candidate.READER),
        (0.0, 0.0, Candidate.READER),
        (None, 0.0, Candidate.CURRENT),
        (0.0, None, Candidate.PREDICTION),
        (0.95, 0.95, Candidate.CURRENT),
    ],
)
def test_the_better_mask_is_taken_if_it_is_good_else_drawn(
    current: float | None, prediction: float | None, choice: Candidate
) -> None:
    assert said(current, prediction).choice is choice


def test_an_audit_takes_the_better_mask_however_bad() -> None:
    assert said(0.2, 0.3, may_draw=False).choice is Candidate.PREDICTION
    assert said(0.3, 0.2, may_draw=False).choice is Candidate.CURRENT


def test_a_third_mask_is_taken_where_it_is_the_best_and_never_in_error_for_the_worst() -> None:
    three = masks(0.5, 0.6) | {Candidate.REPAIRED: 0.95}
    rng = np.random.default_rng(0)
    assert answer(three, PERFECT, rng, may_draw=True).choice is Candidate.REPAIRED
    always = ReviewSettings(error_rate=1.0)
    assert answer(three, always, rng, may_draw=True).choice is Candidate.CURRENT


def test_where_one_mask_is_shown_the_error_is_to_leave_it() -> None:
    always, rng = ReviewSettings(error_rate=1.0), np.random.default_rng(0)
    alone: dict[Candidate, float | None] = {Candidate.CURRENT: 0.1}
    assert answer(alone, always, rng, may_draw=True).choice is Candidate.CURRENT
    assert answer(alone, PERFECT, rng, may_draw=True).choice is Candidate.READER


def test_drawing_takes_longer_than_choosing() -> None:
    assert said(0.95, 0.1).seconds == PERFECT.seconds_choose
    assert said(0.1, 0.1).seconds == PERFECT.seconds_draw


def test_the_reader_errs_at_the_given_rate_and_never_draws_wrong() -> None:
    settings = ReviewSettings(error_rate=0.2)
    rng = np.random.default_rng(0)
    answers = [answer(masks(0.95, 0.1), settings, rng, may_draw=True).choice for _ in range(2000)]
    wrong = sum(choice is Candidate.PREDICTION for choice in answers) / len(answers)
    assert wrong == pytest.approx(0.2, abs=0.03)
    assert Candidate.READER not in answers


def test_the_same_generator_gives_the_same_answers() -> None:
    settings = ReviewSettings(error_rate=0.5)
    runs = [
        [answer(masks(0.95, 0.1), settings, rng, may_draw=True) for _ in range(50)]
        for rng in (np.random.default_rng(3), np.random.default_rng(3))
    ]
    assert runs[0] == runs[1]
