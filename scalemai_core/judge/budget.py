"""People's time: how many masks may be opened, and which ones are worth it most."""

from __future__ import annotations

import polars as pl

from scalemai_core.records.decision import Action
from scalemai_core.settings import DecideSettings


def spend_budget(
    decisions: pl.DataFrame, *, allowance: int, audits: int, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split what wants review into what people will see and what is put on hold.

    ``allowance`` masks may be opened, ``audits`` of them a random sample of automatic decisions.
    Returns the decisions, with ``hold`` where the budget ended, and the items: scan, structure,
    kind, priority, reason.
    """
    automatic = decisions.filter(
        pl.col("action").is_in([Action.REPLACE.value, Action.IMPUTE.value])
    ).sort("scan_id", "structure")
    audited = automatic.sample(min(audits, allowance, automatic.height), seed=seed, shuffle=True)
    wanted = decisions.filter(pl.col("action") == Action.REVIEW.value).sort(
        ["gain", "scan_id", "structure"], descending=[True, False, False]
    )
    seen = wanted.head(max(allowance - audited.height, 0))
    items = pl.concat(
        [
            seen.with_columns(kind=pl.lit("choose"), priority="gain"),
            audited.with_columns(kind=pl.lit("audit"), priority=pl.lit(0.0)),
        ]
    ).select("scan_id", "structure", "kind", "priority", "reason")
    held = wanted.tail(wanted.height - seen.height).select(
        "scan_id", "structure", held=pl.lit(value=True)
    )
    decided = decisions.join(held, on=["scan_id", "structure"], how="left").with_columns(
        action=pl.when(pl.col("held")).then(pl.lit(Action.HOLD.value)).otherwise("action")
    )
    return decided.drop("held"), items


def allowance(*, masks: int, opened: int, settings: DecideSettings) -> int:
    """Masks people may still open in this round: the sum over rounds stays in the budget."""
    left = int(settings.budget * masks) - opened
    return max(int(left * settings.round_share), 0)
