"""What the page says of the expert, its decisions, their audit and the loop."""

from __future__ import annotations

import pytest
from made_up_report import Page, full, make_report
from made_up_rounds import NO_EXPERT, STAND_IN, make_result

from scalemai_core.page.report.page import render_round
from scalemai_core.records.expert import ExpertReport


@pytest.mark.parametrize(
    ("expert", "first"),
    [
        (STAND_IN, "No gold: the expert learned from stand-ins."),
        (NO_EXPERT, "No gold: the expert had nothing to learn from."),
    ],
)
def test_the_first_line_says_that_the_expert_had_no_gold(expert: ExpertReport, first: str) -> None:
    page = Page(render_round(make_report(result=make_result(expert=expert))))
    assert page.text.removeprefix("ScaleMAI round 2").strip().startswith(first)
    assert "No gold: the expert" not in render_round(full())


def test_families_say_whether_they_may_act_and_why() -> None:
    page = Page(render_round(full()))
    organ, vessel = page.row("organ"), page.row("vessel")
    assert organ[1:6] == ["812", "11", "93.1 %", "98.4 %", "97.1 %"]
    assert organ[-2:] == ["yes", "proven: 97.1 % is at least the 90.0 % needed"]
    assert vessel[-2:] == ["no", "not proven: 84.0 % is below the 90.0 % needed"]
    assert "9,120 masks of 12 patients" in page.text
    assert "2.1 % calibration error" in page.text


def test_what_was_said_stands_against_what_was_done_and_what_was_true() -> None:
    page = Page(render_round(full()))
    assert page.row("doubtful, with findings")[1:] == [
        "48", "0", "40", "0", "2", "3", "3", "9.1 %", "40 (83.3 %)",
    ]  # fmt: skip
    assert page.row("unknown: no mask yet")[-2:] == ["\u2013", "\u2013"]
    assert "Kept but wrong: 31 (5.5 %) of 560 masks." in page.text
    assert "Of 100 masks replaced, 93 became better and 4 worse." in page.text
    assert "Filled in but wrong: 2 (4.0 %) of 50 masks." in page.text
    assert page.row("impute", "Decisions against the truth")[2:] == [
        "\u2013",
        "2",
        "\u2013",
        "\u2013",
        "\u2013",
        "0.880",
    ]


def test_people_and_audit_stand_beside_the_engine() -> None:
    page = Page(render_round(full()))
    assert page.row("no mask is surely good")[1:] == ["43", "10", "20", "13", "25 of 30"]
    assert page.row("audit: set absent")[1:] == ["12", "1", "11", "0", "11 of 12"]
    assert page.row("audit: touched by a neighbour's change")[1] == "2"
    assert "the expert held the same one better in 38 of 44" in page.text
    assert "People looked at 150 of 1,119 masks changed without a person" in page.text
    assert "with 95 % confidence at most 4.1 % of all are wrong" in page.text
    assert "2.8 % width" in page.text


def test_the_worst_structures_come_first_in_their_tables() -> None:
    page = Page(render_round(full()))
    first, second = (page.row(name, "Structures with the lowest") for name in ("a<b>&c", "liver"))
    assert [row[2] for row in (first, second)] == ["61.2 %", "97.1 %"]
    assert page.text.index("a<b>&c 397 61.2 %") < page.text.index("liver 411 97.1 %")
    assert page.row("a<b>&c", "Structures most often")[1] == "13 (3.3 %)"


def test_the_loop_shows_the_evidence_of_every_round_and_what_becomes_of_it() -> None:
    page = Page(render_round(full()))
    dash = "\u2013"
    for number, versions in (("1", "1 \u2192 5"), ("2", "5 \u2192 6")):
        row = page.row(number, "The loop")
        assert row[1] == versions
        assert row[2:7] == ["\u22120.812", "\u22120.104", "0.211", dash, "0.904"]
        assert row[7] == "65.2 %"
        assert row[10:12] == ["0.902", "+0.012"]
    assert "The loop goes on: in this round 65.2 % of the masks changed" in page.text
    stopped = Page(render_round(make_report(result=make_result(stop="nothing moves"))))
    assert "The loop stops: nothing moves." in stopped.text


def test_captions_tell_quality_and_which_mask_is_better() -> None:
    page = Page(render_round(full()))
    told = "Quality: annotation 3 %, prediction 94 %; P(prediction better) >99 %"
    assert page.text.count(told) == 2
