"""People's time: the budget holds over all rounds, and goes where it adds most a second."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalemai_core.judge.decisions.budget import allowance, spend_budget, within_budget
from scalemai_core.settings.judgement import DecideSettings

KEY = ["scan_id", "structure"]


@pytest.fixture
def wanted() -> pl.DataFrame:
    rng = np.random.default_rng(3)
    num = 60
    return pl.DataFrame(
        {
            "scan_id": [f"{i:03d}" for i in range(num)],
            "structure": "liver",
            "action": rng.choice(["review", "keep", "replace"], num),
            "otherwise": rng.choice(["hold", "replace"], num),
            "reason": "because",
            "review_gain": rng.random(num),
            "seconds": rng.choice([5.0, 100.0, 270.0], num),
            "rival": "prediction",
            "rival_map": None,
            "third": None,
            "third_map": None,
        }
    )


@pytest.mark.parametrize("questions", [0, 1, 7, 1000])
def test_what_nobody_has_time_for_happens_otherwise(wanted: pl.DataFrame, questions: int) -> None:
    asked = spend_budget([wanted[:7], wanted[7:]], questions)
    decided = within_budget(wanted, asked)
    review = wanted.filter(pl.col("action") == "review")
    assert asked.height == min(questions, review.height)
    still = decided.filter(pl.col("action") == "review").select(KEY)
    assert still.sort(KEY).equals(asked.select(KEY).sort(KEY))
    rest = review.join(asked, on=KEY, how="anti")
    became = decided.join(rest, on=KEY, how="semi")
    assert became["action"].to_list() == rest["otherwise"].to_list()
    others = decided.join(review, on=KEY, how="anti")
    assert others["action"].equals(wanted.join(review, on=KEY, how="anti")["action"])


def test_time_goes_where_it_adds_most_a_second(wanted: pl.DataFrame) -> None:
    asked = spend_budget([wanted], 5)
    review = wanted.filter(pl.col("action") == "review")
    worth = (review["review_gain"] / review["seconds"]).sort(descending=True)
    assert asked["priority"].to_list() == pytest.approx(worth[:5].to_list())


@pytest.mark.parametrize("questions", [0, 1, 4, 30])
def test_the_same_questions_however_few_scans_come_at_a_time(
    wanted: pl.DataFrame, questions: int
) -> None:
    blocks = [wanted[start : start + 3] for start in range(0, wanted.height, 3)]
    assert spend_budget(blocks, questions).equals(spend_budget([wanted], questions))


def test_the_same_questions_whatever_the_order(wanted: pl.DataFrame) -> None:
    shuffled = wanted.sample(fraction=1, shuffle=True, seed=1)
    assert spend_budget([wanted], 6).equals(spend_budget([shuffled], 6))


@given(
    masks=st.integers(0, 5000),
    budget=st.floats(0, 1),
    share=st.floats(0.01, 1),
    audit=st.floats(0, 0.99),
    rounds=st.integers(1, 12),
)
def test_the_budget_holds_over_all_rounds(
    masks: int, budget: float, share: float, audit: float, rounds: int
) -> None:
    settings = DecideSettings(budget=budget, round_share=share, audit_share=audit)
    opened = 0
    for _ in range(rounds):
        left = allowance(masks=masks, opened=opened, settings=settings)
        assert min(left.questions, left.audits) >= 0
        opened += left.questions + left.audits
    assert opened <= budget * masks


def test_a_budget_that_was_overspent_opens_nothing() -> None:
    left = allowance(masks=100, opened=90, settings=DecideSettings(budget=0.05))
    assert (left.questions, left.audits) == (0, 0)
