"""The page of a round: complete, self-contained, and equal to the record."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import polars as pl
import pytest
from made_up_rounds import FINDINGS, GOLD_STRUCTURES, NO_GOLD, make_result, make_structures

from scalemai_core.page.charts import draw_decisions, draw_gold, draw_quality
from scalemai_core.page.round_report import Example, Lineage, RoundReport, render_round
from scalemai_core.records.decision import Action

LINEAGE = Lineage("r0002-5c1e", seed=7, settings_digest="b3f0c5a1", code_version="0.1.0+g4f2a")
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Collects the words, cells and addresses, and fails on tags that do not match."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.rows: list[list[str]] = []
        self.addresses: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "link", "iframe"}
        self.addresses += [value or "" for key, value in attrs if key in {"src", "href"}]
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag, attrs

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.words.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).replace("\u00a0", " ").split())

    def row(self, name: str) -> list[str]:
        [row] = [row for row in self.rows if row and row[0].strip() == name]
        return [cell.strip() for cell in row]


def make_example(action: Action, dice: float | None, structure: str = "spleen") -> Example:
    return Example("CT-1", structure, action, "half is missing", dice, b"\x89PNG", "solid: before")


def full() -> RoundReport:
    return RoundReport(
        result=make_result(),
        lineage=LINEAGE,
        structures=make_structures(),
        findings=FINDINGS,
        gold=GOLD_STRUCTURES,
        history=(make_result(number=1, base_version=1, dataset_version=5, model_version=2),),
        examples=(make_example(Action.HOLD, 0.5), make_example(Action.REPLACE, None)),
    )


def bare() -> RoundReport:
    return RoundReport(
        result=make_result(
            number=1, truth=None, audited=0, audit_errors=0, audit_upper_bound=None, reviewed=0,
            reviewed_share=0.0, human_minutes=0.0, **NO_GOLD,
        ),
        lineage=LINEAGE,
        structures=make_structures(
            agreement=[0.9, float("nan")], truth_before=pl.Series([None, None], dtype=pl.Float64),
            truth_after=pl.Series([None, None], dtype=pl.Float64),
        ),
        findings=FINDINGS.clear(),
    )  # fmt: skip


def nothing() -> RoundReport:
    return RoundReport(
        result=make_result(
            number=1, masks=0, held=0, truth=None, decisions={}, seconds={}, **NO_GOLD
        ),
        lineage=LINEAGE,
        structures=make_structures().clear(),
        findings=FINDINGS.clear(),
    )


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
        "2 wrong of 150 decisions audited",
        "mean Dice on gold, 24 patients; +0.012 against the champion",
        "1,162 annotations changed, 1,119 of them without a person",
    ):
        assert shown in page.text
    assert page.row("Mean Dice of 1,720 masks")[1:] == ["0.871", "0.919", "0.934"]
    assert page.row("Lower bound of the weakest structure, adrenal gland left")[1] == "\u22120.011"
    assert page.row("train")[1].replace("\u00a0", " ") == "2 h 32 min"
    assert page.row("Settings")[1] == "b3f0c5a1, seed 7"


def test_a_structure_has_its_decisions_truth_and_gold_in_one_row() -> None:
    page = Page(render_round(full()))
    dash = "\u2013"
    assert page.row("liver") == [
        "liver", "411", "400", "5", "3", "0", "2", "1", "0.961", "0.940", "0.951", "+0.011",
        "0.949", "0.953", "+0.004",
    ]  # fmt: skip
    assert page.row("spleen")[-3:] == [dash, "0.901", dash]
    assert page.row("a<b>&c")[1:8] == ["397", "300", "41", "23", "1", "19", "13"]
    assert page.rows.index(page.row("a<b>&c")) < page.rows.index(page.row("liver"))


def test_examples_carry_their_picture_and_changed_masks_come_first() -> None:
    page = Page(render_round(full()))
    assert base64.b64decode(page.addresses[0].partition(",")[2]) == b"\x89PNG"
    assert page.text.index("replace spleen CT-1 Dice \u2013") < page.text.index("hold spleen CT-1")


def test_the_worst_example_of_a_kind_comes_first() -> None:
    report = full()
    examples = (
        make_example(Action.IMPUTE, 0.7, "liver"),
        make_example(Action.REPLACE, 0.2, "aorta"),
    )
    page = Page(
        render_round(
            RoundReport(report.result, LINEAGE, report.structures, FINDINGS, examples=examples)
        )
    )
    assert page.text.index("replace aorta CT-1") < page.text.index("impute liver CT-1")


def test_the_findings_with_most_masks_come_first() -> None:
    page = Page(render_round(full()))
    assert page.row("components")[1:] == ["31", "57", "liver: 3 components"]
    assert page.rows.index(page.row("components")) < page.rows.index(page.row("side"))


def test_charts_are_well_formed_and_hold_their_numbers() -> None:
    history = [make_result(number=number) for number in range(1, 4)]
    charts = (draw_quality(history), draw_decisions(make_structures()), draw_gold(GOLD_STRUCTURES))
    words = [" ".join(ET.fromstring(chart).itertext()) for chart in charts]
    assert words[0].count("0.934") == 3
    assert "97 of 397" in words[1]
    assert "a<b>&c: 41 replace" in words[1]
    assert "+0.004" in words[2]
    assert "champion" in words[2]


@pytest.mark.parametrize("agreement", [0.0, 0.0004, 0.5, 0.9999, 1.0])
def test_the_axis_stays_between_0_and_1(agreement: float) -> None:
    chart = ET.fromstring(draw_quality([make_result(truth=None, mean_agreement=agreement)] * 2))
    ticks = [
        float(text.text or "") for text in chart.iter("text") if text.get("class") == "tick end"
    ]
    assert 3 <= len(ticks) <= 8
    assert ticks == sorted(ticks)
    assert 0 <= ticks[0] <= agreement <= ticks[-1] <= 1
