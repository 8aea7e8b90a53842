"""When the loop has nothing left to win (method reference, section 1.8)."""

from __future__ import annotations

from collections.abc import Sequence

from scalemai_core.records.round import RoundResult
from scalemai_core.settings.judgement import StopSettings


def stop_reason(results: Sequence[RoundResult], settings: StopSettings) -> str | None:
    """Why no further round is worth it, after these ones (oldest first); None where one is."""
    if len(results) >= settings.max_rounds:
        return f"{len(results)} rounds are done, stop.max_rounds allows no more"
    last = results[-settings.patience :]
    if len(last) < settings.patience:
        return None
    if any(_changed(one) >= settings.min_changed for one in last):
        return None
    gains = [gain for one in last if (gain := _gain(one)) is not None]
    if any(gain >= settings.min_gain for gain in gains):
        return None
    told = "gold 'select' gained nothing" if gains else "there is no gold to see a gain on"
    share = max(_changed(one) for one in last)
    return (
        f"at most {share:.1%} of the masks changed in each of the last {len(last)} rounds, and "
        f"{told}"
    )


def _changed(result: RoundResult) -> float:
    return result.changed / result.masks if result.masks else 0.0


def _gain(result: RoundResult) -> float | None:
    gold = result.gold
    if gold is None or gold.champion_mean_dice is None:
        return None
    return gold.mean_dice - gold.champion_mean_dice
