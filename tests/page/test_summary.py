"""A round in words, and how numbers are written."""

from __future__ import annotations

import pytest
from made_up_rounds import GOLD, NO_GOLD, TRUTH, make_result

from scalemai_core.page import number
from scalemai_core.page.markdown import round_markdown
from scalemai_core.page.summary import headline, key_figures, warnings


def titles(**changes: object) -> list[str]:
    return [warned.title for warned in warnings(make_result(**changes))]


def test_a_good_round_has_no_warnings() -> None:
    assert titles() == []


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"out_of_fold": False}, "Predictions are in-sample"),
        ({"failed_scans": 3}, "3 of 420 scans failed"),
        ({"audit_upper_bound": None, "audited": 0}, "The audit proves little"),
        ({"audit_upper_bound": 0.3, "audited": 10}, "The audit proves little"),
        ({"gold": None}, "There is no gold"),
        ({"promoted": False}, "Model 3 was not promoted"),
        ({"truth": TRUTH.model_copy(update={"mean_dice_after": 0.8})}, "The labels became worse"),
    ],
)
def test_each_weakness_is_warned_of(changes: dict[str, object], title: str) -> None:
    assert titles(**changes) == [title]


def test_the_headline_says_what_fell_and_what_stayed() -> None:
    fell = TRUTH.model_copy(update={"mean_dice_after": 0.85})
    same = TRUTH.model_copy(update={"mean_dice_after": TRUTH.mean_dice_before + 0.0001})
    assert "lowered mean Dice to truth from 0.871 to 0.850" in headline(make_result(truth=fell))
    assert "left mean Dice to truth at 0.871" in headline(make_result(truth=same))


def test_without_truth_the_headline_compares_agreement_with_the_round_before() -> None:
    result = make_result(truth=None, reviewed_share=0.0, **NO_GOLD)
    assert headline(result, [make_result(number=1, mean_agreement=0.8612)]) == (
        "Round 2 changed 1,162 annotations; annotation and prediction agree at mean Dice 0.904 "
        "(0.861 the round before); nobody opened a mask; model 3 was not promoted \u2013 "
        "not assessable: 0 gold patients, 3 are needed."
    )


def test_six_figures_stand_first_whatever_is_missing() -> None:
    no_champion = GOLD.model_copy(update={"champion_mean_dice": None})
    for changes in ({}, {"truth": None, **NO_GOLD}, {"gold": no_champion}, {"masks": 0, "held": 0}):
        figures = key_figures(make_result(**changes))
        assert len(figures) == 6
        assert not any("None" in figure.value + figure.meaning for figure in figures)


def test_markdown_has_one_row_a_round_with_the_newest_last() -> None:
    text = round_markdown(make_result(), [make_result(number=1, truth=None, **NO_GOLD)])
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| 1", "| 2"]
    assert "0.871 \u2192 0.934" in rows[3]
    assert "None" not in text
    assert "nan" not in text
    assert "1,610 keep, 93 replace, 41 impute, 8 set absent, 43 review, 21 hold" in text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (number.count(1204), "1,204"),
        (number.dice(0.93349), "0.933"),
        (number.change(0.0632), "+0.063"),
        (number.change(-0.0632), "\u22120.063"),
        (number.change(-0.0004), "0.000"),
        (number.percent(0.0242), "2.4\u00a0%"),
        (number.percent(0.0), "0.0\u00a0%"),
        (number.percent(0.0001), "<0.1\u00a0%"),
        (number.duration(0), "0\u00a0s"),
        (number.duration(0.42), "0.4\u00a0s"),
        (number.duration(59.7), "1\u00a0min"),
        (number.duration(3599), "1\u00a0h\u00a00\u00a0min"),
        (number.duration(4320), "1\u00a0h\u00a012\u00a0min"),
    ],
)
def test_numbers_are_written_for_people(written: str, expected: str) -> None:
    assert written == expected


def test_missing_numbers_are_dashes() -> None:
    writers = (number.count, number.dice, number.change, number.percent, number.duration)
    assert {write(value) for write in writers for value in (None, float("nan"))} == {"\u2013"}
