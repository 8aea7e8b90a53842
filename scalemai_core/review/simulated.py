"""A reader made of the truth, with an error rate and a pace: closes the loop where nobody sits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scalemai_core.records.decision import Candidate
from scalemai_core.settings.review import ReviewSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the reader says of one item, and how long it took."""

    choice: Candidate
    seconds: float


def answer(
    dice: Mapping[Candidate, float | None],
    settings: ReviewSettings,
    rng: np.random.Generator,
    *,
    may_draw: bool,
) -> Reply:
    """Take the best mask if it is good, else draw; err at the given rate (section 1.6's pace).

    ``dice`` of every mask shown, in that order, is against the truth; None, both masks empty, is
    as good as can be. An audit only asks which mask is better, nothing is drawn.
    """
    known = {shown: 1.0 if value is None else value for shown, value in dice.items()}
    best = max(known, key=lambda shown: known[shown])
    if rng.random() < settings.error_rate:
        others = [shown for shown in known if shown is not best] or [best]
        worst = min(others, key=lambda shown: known[shown])
        return Reply(choice=worst, seconds=settings.seconds_choose)
    if not may_draw or known[best] >= settings.good_dice:
        return Reply(choice=best, seconds=settings.seconds_choose)
    return Reply(choice=Candidate.READER, seconds=settings.seconds_draw)


def answer_lesion(*, is_lesion: bool, settings: ReviewSettings, rng: np.random.Generator) -> Reply:
    """Keep a lesion candidate or delete it; err at the given rate."""
    keeps = is_lesion if rng.random() >= settings.error_rate else not is_lesion
    choice = Candidate.PREDICTION if keeps else Candidate.CURRENT
    return Reply(choice=choice, seconds=settings.seconds_choose)
