"""The page of a round: complete, self-contained, and equal to the record."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree as ET

import pytest
from made_up_report import Page, bare, full, make_example, make_report, nothing
from made_up_rounds import make_result, make_structures

from scalemai_core.page.report.charts import draw_decisions, draw_quality
from scalemai_core.page.report.page import RoundReport, render_round
from scalemai_core.records.decision import Action


@pytest.mark.parametrize("report", [full(), bare(), nothing()], ids=["full", "bare", "nothing"])
def test_the_page_is_whole_and_shows_no_missing_values(report: RoundReport) -> None:
    source = render_round(report)
    page = Page(source)
    assert not re.search(r"\b(None|nan|NaN|inf|null|Undefined)\b", page.text)
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert "http" not in source
    assert "{{" not in source


def test_the_numbers_are_those_of_the_record() -> None:
    page = Page(render_round(full()))
    for shown in (
        "Round 2 raised mean Dice to truth from 0.871 to 0.934",
        "people have opened 2.4 % of masks so far",
        "model 3 was promoted \u2013 mean Dice on gold rose by 0.012.",
        "+0.062 from 0.871 before; mean of 1,720 masks",
        "161 of 244 below Dice 0.8; 7 masks made worse",
        "of 1,781 masks over all rounds; 43 in this one, taking 38 min",
        "\u2264 4.1 %",
        "2 wrong of 150 audited out of 1,119",
        "mean Dice on gold, 24 patients; +0.012 against the champion",
        "1,162 annotations changed, 1,119 of them without a person",
    ):
        assert shown in page.text
    assert page.row("Mean Dice of 1,720 masks")[1:] == ["0.871", "0.919", "0.934"]
    assert page.row("Mean Dice", "The model")[1:] == ["0.890", "0.902", "+0.012 (+0.004 to +0.020)"]
    assert page.row("Mean surface Dice")[1:3] == ["0.866", "0.871"]
    assert page.row("Seen where there is none, of 41")[1:3] == ["5", "3"]
    assert page.row("train")[1] == "2 h 32 min"
    assert page.row("Settings")[1] == "b3f0c5a1, seed 7"


def test_a_structure_has_its_decisions_truth_and_gold_in_one_row() -> None:
    page = Page(render_round(full()))
    dash = "\u2013"
    assert page.row("liver", "All") == [
        "liver", "411", "400", "5", "3", "0", "2", "1", "97.1 %", "0.961", "0.940", "0.951",
        "+0.011", "0.949", "0.953", "+0.004", "0.913",
    ]  # fmt: skip
    assert page.row("spleen", "All")[-4:] == [dash, "0.901", dash, "0.861"]
    assert page.row("a<b>&c", "All")[1:8] == ["397", "300", "41", "23", "1", "19", "13"]
    assert page.text.index("a<b>&c 397 300") < page.text.index("liver 411 400")


def test_examples_carry_their_picture_and_changed_masks_come_first() -> None:
    page = Page(render_round(full()))
    assert base64.b64decode(page.addresses[0].partition(",")[2]) == b"\x89PNG"
    assert page.text.index("replace spleen CT-1 Dice \u2013") < page.text.index("hold spleen CT-1")


def test_the_worst_example_of_a_kind_comes_first() -> None:
    examples = (
        make_example(Action.IMPUTE, 0.7, "liver"),
        make_example(Action.REPLACE, 0.2, "aorta"),
    )
    page = Page(render_round(make_report(examples=examples)))
    assert page.text.index("replace aorta CT-1") < page.text.index("impute liver CT-1")


def test_the_findings_with_most_masks_come_first() -> None:
    page = Page(render_round(full()))
    assert page.row("components") == [
        "components", "31", "57", "12 (21.1 %)", "20 (40.0 %)", "liver: 3 components",
    ]  # fmt: skip
    assert page.row("masks without a finding")[1:4] == ["600", "", "100 (16.7 %)"]
    assert page.text.index("components 31 57") < page.text.index("side 4 4")


def test_charts_are_well_formed_and_hold_their_numbers() -> None:
    history = [make_result(number=number) for number in range(1, 4)]
    charts = (draw_quality(history), draw_decisions(make_structures()))
    words = [" ".join(ET.fromstring(chart).itertext()) for chart in charts]
    assert words[0].count("0.934") == 3
    assert "97 of 397" in words[1]
    assert "a<b>&c: 41 replace" in words[1]


@pytest.mark.parametrize("agreement", [0.0, 0.0004, 0.5, 0.9999, 1.0])
def test_the_axis_stays_between_0_and_1(agreement: float) -> None:
    chart = ET.fromstring(draw_quality([make_result(truth=None, mean_agreement=agreement)] * 2))
    ticks = [
        float(text.text or "") for text in chart.iter("text") if text.get("class") == "tick end"
    ]
    assert 3 <= len(ticks) <= 8
    assert ticks == sorted(ticks)
    assert 0 <= ticks[0] <= agreement <= ticks[-1] <= 1
