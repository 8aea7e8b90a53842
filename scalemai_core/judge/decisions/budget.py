"""People's time: how many masks may be opened, and which questions are worth it most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from scalemai_core.records.decision import Action
from scalemai_core.settings.judgement import DecideSettings

KEY = ["scan_id", "structure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Distinct masks that people may open in a round; a mask read twice is opened once."""

    questions: int
    audits: int
    """Kept back for the audit that is drawn after composition."""


def allowance(*, masks: int, opened: int, settings: DecideSettings) -> Allowance:
    """What this round may spend of what is left: the sum over all rounds stays in the budget."""
    left = max(int(settings.budget * masks) - opened, 0)
    round_masks = int(left * settings.round_share)
    audits = min(int(round_masks * settings.audit_share), round_masks)
    return Allowance(questions=round_masks - audits, audits=audits)


def spend_budget(decisions: Iterable[pl.DataFrame], questions: int) -> pl.DataFrame:
    """What people will see of all that wants review; the time goes where it adds most a second.

    ``decisions``, some scans at a time, have ``action``, ``review_gain`` (expected Dice a look
    adds) and ``seconds`` (expected, of a person's time). Returns the questions: scan_id, structure,
    kind, priority, reason, seconds, rival, rival_map, third, third_map.
    """
    parts: list[pl.DataFrame] = []
    for block in decisions:
        parts.append(_wanted(block))
        if sum(part.height for part in parts) > 2 * questions:  # what cannot be asked goes at once
            parts = [_most_worth(parts, questions)]
    return _most_worth(parts, questions)


def _most_worth(parts: Sequence[pl.DataFrame], questions: int) -> pl.DataFrame:
    wanted = pl.concat(parts)
    return wanted.sort(["priority", *KEY], descending=[True, False, False]).head(questions)


def _wanted(decisions: pl.DataFrame) -> pl.DataFrame:
    shown = ("rival", "rival_map", "third", "third_map")
    return decisions.filter(pl.col("action") == Action.REVIEW.value).select(
        *KEY,
        pl.col("review_gain").truediv("seconds").alias("priority"),
        "reason",
        "seconds",
        *shown,
        kind=pl.lit("choose"),
    )


def within_budget(decisions: pl.DataFrame, questions: pl.DataFrame) -> pl.DataFrame:
    """Decisions, with ``otherwise`` as the action of what wants review and is not asked."""
    asked = questions.select(*KEY, asked=pl.lit(value=True))
    unasked = (pl.col("action") == Action.REVIEW.value) & pl.col("asked").is_null()
    return (
        decisions.join(asked, on=KEY, how="left", maintain_order="left")
        .with_columns(action=pl.when(unasked).then("otherwise").otherwise("action"))
        .drop("asked")
    )
