"""A reader made of the truth, with an error rate and a pace: closes the loop where nobody sits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scalemai_core.records.decision import Candidate
from scalemai_core.settings.review import ReviewSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the reader says of one item, and how long it took."""

    choice: Candidate
    seconds: float


def answer(
    dice_current: float | None,
    dice_rival: float | None,
    settings: ReviewSettings,
    rng: np.random.Generator,
    *,
    rival: Candidate = Candidate.PREDICTION,
    may_draw: bool,
) -> Answer:
    """Take the better mask if it is good, else draw; err at the given rate (section 1.6's pace).

    The rival is what is shown beside the current mask, ``rival`` names it. An audit only asks
    which mask is better, nothing is drawn. The Dice values are against the
    truth; None, both masks empty, is as good as can be.
    """
    current = 1.0 if dice_current is None else dice_current
    other = 1.0 if dice_rival is None else dice_rival
    ranked = [Candidate.CURRENT, rival]
    if other > current:
        ranked.reverse()
    best, worst = ranked
    if rng.random() < settings.error_rate:
        return Answer(choice=worst, seconds=settings.seconds_choose)
    if not may_draw or max(current, other) >= settings.good_dice:
        return Answer(choice=best, seconds=settings.seconds_choose)
    return Answer(choice=Candidate.READER, seconds=settings.seconds_draw)


def answer_lesion(*, is_lesion: bool, settings: ReviewSettings, rng: np.random.Generator) -> Answer:
    """Keep a lesion candidate or delete it; err at the given rate."""
    keeps = is_lesion if rng.random() >= settings.error_rate else not is_lesion
    choice = Candidate.PREDICTION if keeps else Candidate.CURRENT
    return Answer(choice=choice, seconds=settings.seconds_choose)
