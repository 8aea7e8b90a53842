"""Questions whose answer is known from gold: they measure who answers."""

from __future__ import annotations

import polars as pl

from scalemai_core.records.annotation import Origin, State
from scalemai_core.records.decision import Candidate

KEY = ["scan_id", "structure"]


def draw_honeypots(
    judged: pl.DataFrame, gold: pl.DataFrame, number: int, max_dice: float, seed: int
) -> pl.DataFrame:
    """Up to ``number`` masks of gold that the model gets visibly wrong; every other one hides the
    gold mask behind B.

    ``judged`` has scan_id, structure, candidate and ``dice`` of prediction to annotation, ``gold``
    the annotations of the scans that may be shown. Returns scan_id, structure, ``swapped``; fewer
    where the model is too good.
    """
    trusted = gold.filter(
        (pl.col("origin") == Origin.GOLD.value) & (pl.col("state") == State.PRESENT.value)
    ).select(*KEY)
    wrong = (
        judged.filter(
            (pl.col("candidate") == Candidate.CURRENT.value) & (pl.col("dice") < max_dice)
        )
        .join(trusted, on=KEY)
        .select(KEY)
        .unique()
        .sort(KEY)
    )
    drawn = wrong.sample(min(number, wrong.height), shuffle=True, seed=seed)
    return drawn.with_columns(swapped=pl.int_range(pl.len()) % 2 == 1)
