"""The loop ends when nothing changes and gold gains nothing."""

from __future__ import annotations

import pytest
from made_up_rounds import GOLD, make_result

from scalemai_core.judge.decisions.stopping import stop_reason
from scalemai_core.records.round import RoundResult
from scalemai_core.settings.judgement import StopSettings

STILL = {"changed": 2, "masks": 1000}


def rounds(*gains: float | None, **more: int) -> list[RoundResult]:
    """Rounds with these gains on gold; None is a round without gold."""
    return [
        make_result(
            gold=None
            if gain is None
            else GOLD.model_copy(update={"mean_dice": 0.9 + gain, "champion_mean_dice": 0.9}),
            **(STILL | more),
        )
        for gain in gains
    ]


def test_still_rounds_without_a_gain_end_the_loop() -> None:
    assert "gained nothing" in str(stop_reason(rounds(0.0, 0.001), StopSettings()))


@pytest.mark.parametrize("history", [rounds(0.0), rounds(0.0, 0.01), rounds(0, 0, changed=100)])
def test_the_loop_goes_on_while_there_is_something_to_win(history: list[RoundResult]) -> None:
    assert stop_reason(history, StopSettings()) is None


def test_without_gold_only_the_changes_count_and_the_reason_says_so() -> None:
    assert "no gold" in str(stop_reason(rounds(None, None), StopSettings()))


def test_the_cap_holds_whatever_happens() -> None:
    history = rounds(0.1, 0.1, 0.1, changed=500)
    assert "max_rounds" in str(stop_reason(history, StopSettings(max_rounds=3)))
