"""What the report says of the loop: its evidence round by round, and whether it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scalemai_core.page.draw.number import change, percent
from scalemai_core.records.evidence import Evidence
from scalemai_core.records.round import RoundResult


def loop_sentence(result: RoundResult) -> str:
    """Why the loop stops, or what still moves."""
    if result.stop:
        return f"The loop stops: {result.stop}."
    moved = f"in this round {percent(changed_share(result))} of the masks changed"
    gain = gold_gain(result)
    told = "there is no gain on gold to see yet" if gain is None else _gained(gain)
    return f"The loop goes on: {moved}, and {told}."


def loop_rows(rounds: Sequence[RoundResult]) -> list[dict[str, Any]]:
    """A row a round: the record, its evidence, the share changed and the gain on gold."""
    return [
        {
            "round": one,
            "evidence": {key: one.evidence.get(key) for key in Evidence.model_fields},
            "changed": changed_share(one),
            "gain": gold_gain(one),
        }
        for one in rounds
    ]


def changed_share(result: RoundResult) -> float:
    """Annotations that a round changed, as a share of distinct masks."""
    return result.changed / result.masks if result.masks else 0.0


def gold_gain(result: RoundResult) -> float | None:
    """Mean Dice on gold ``select`` above the champion's; None where one of them is missing."""
    gold = result.gold
    if gold is None or gold.champion_mean_dice is None:
        return None
    return gold.mean_dice - gold.champion_mean_dice


def _gained(gain: float) -> str:
    verb = "gained" if gain >= 0 else "lost"
    return f"the model {verb} {change(abs(gain)).lstrip('+')} Dice on gold select"
