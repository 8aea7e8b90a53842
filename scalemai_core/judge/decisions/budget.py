"""People's time: how many masks may be opened, and which questions are worth it most."""

from __future__ import annotations

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


def spend_budget(decisions: pl.DataFrame, questions: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split what wants review into what people will see and what is decided without them.

    ``decisions`` has ``action``, ``otherwise``, ``review_gain`` (expected Dice a look adds) and
    ``seconds`` (expected, of a person's time); the time goes where it adds most a second. Returns
    the decisions, with ``otherwise`` as the action where the budget ended, and the questions:
    scan_id, structure, kind, priority, reason, seconds, rival, rival_map, third, third_map.
    """
    worth = pl.col("review_gain") / pl.col("seconds")
    wanted = (
        decisions.filter(pl.col("action") == Action.REVIEW.value)
        .with_columns(priority=worth)
        .sort(["priority", *KEY], descending=[True, False, False])
    )
    shown = ("rival", "rival_map", "third", "third_map")
    asked = wanted.head(questions).select(
        *KEY, "priority", "reason", "seconds", *shown, kind=pl.lit("choose")
    )
    unasked = wanted.tail(wanted.height - asked.height).select(*KEY, unasked=pl.lit(value=True))
    decided = decisions.join(unasked, on=KEY, how="left", maintain_order="left").with_columns(
        action=pl.when(pl.col("unasked")).then("otherwise").otherwise("action")
    )
    return decided.drop("unasked"), asked
