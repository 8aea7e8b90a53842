"""Gold by structure, as drawn on the page and as files: complete, in order, equal to the record."""

from __future__ import annotations

import io
from typing import Any
from xml.etree import ElementTree as ET

import polars as pl
from made_up_report import Page, make_report
from made_up_rounds import GOLD, NO_GOLD, make_result, measured, structure_score

from scalemai_core.page.report.gold import MAX_ROWS, by_risk, draw_gold, gold_files
from scalemai_core.page.report.page import render_round
from scalemai_core.records.gold import GoldScore, LesionScore

MARGIN = 0.02
SVG = "{http://www.w3.org/2000/svg}"


def gold(**changes: Any) -> GoldScore:
    return GOLD.model_copy(update=changes)


def labels(chart: str) -> list[str]:
    texts = ET.fromstring(chart).iter("text")
    return [text.text or "" for text in texts if (text.get("class") or "").startswith("label end")]


def test_the_structures_nearest_to_the_margin_come_first_and_rare_ones_last() -> None:
    assert labels(draw_gold(GOLD, MARGIN)) == [
        "adrenal gland left", "liver", "prostate", "spleen", "mean",
    ]  # fmt: skip


def test_what_may_lose_more_than_the_margin_is_marked() -> None:
    marked = [dot.get("class") for dot in ET.fromstring(draw_gold(GOLD, MARGIN)).iter("circle")]
    assert "solid-loss" in marked, "the key"
    before = marked.count("solid-loss")
    worse = gold(structures=(structure_score("liver", 0.93, 0.95), *GOLD.structures[2:]))
    chart = draw_gold(worse, MARGIN)
    marked = [dot.get("class") for dot in ET.fromstring(chart).iter("circle")]
    assert marked.count("solid-loss") == before + 3
    assert "margin" in "".join(ET.fromstring(chart).itertext())


def test_a_first_model_has_no_difference_and_no_margin() -> None:
    alone = tuple(structure_score(one.structure, 0.9, None) for one in GOLD.structures)
    chart = draw_gold(
        gold(structures=alone, champion_mean_dice=None, champion_mean_nsd=None, gains={}), MARGIN
    )
    words = " ".join(ET.fromstring(chart).itertext())
    assert "Surface Dice" in words
    assert "Difference" not in words
    assert "champion" not in words
    assert "margin" not in words


def test_the_page_shows_the_first_and_the_files_hold_all() -> None:
    many = tuple(structure_score(f"s{k:02d}", 0.9 + 0.001 * k, 0.9) for k in range(40))
    score = gold(structures=many)
    assert len(labels(draw_gold(score, MARGIN))) == MAX_ROWS + 1
    files = gold_files(score, MARGIN)
    assert set(files) == {"gold_structures.svg", "gold_structures.csv"}
    svg = files["gold_structures.svg"].decode()
    drawn = [t.text for t in ET.fromstring(svg).iter() if (t.get("class") or "") == "label end"]
    assert drawn == [f"s{k:02d}" for k in range(40)]
    table = pl.read_csv(io.BytesIO(files["gold_structures.csv"]))
    assert table["structure"].to_list() == drawn
    liver = many[7].dice
    row = table.row(7, named=True)
    assert liver.gain is not None
    assert (row["dice_new"], row["dice_gain_low"]) == (liver.new.value, round(liver.gain.low, 6))
    assert [one.structure for one in by_risk(score)][:2] == ["s00", "s01"]


def test_without_gold_there_is_no_figure_and_no_file() -> None:
    nothing = gold(structures=())
    assert draw_gold(nothing, MARGIN) == ""
    assert gold_files(nothing, MARGIN) == {}
    page = Page(render_round(make_report(result=make_result(**NO_GOLD))))
    assert "There is no gold" in page.text


def test_the_page_says_what_decided_what_is_rare_and_how_often_test_was_opened() -> None:
    lesions = LesionScore(
        patients=9, lesions=31, sensitivity=measured(0.935, 0.871, 0.05),
        false_positives_per_scan=0.62, champion_false_positives_per_scan=0.81,
    )  # fmt: skip
    page = Page(render_round(make_report(result=make_result(gold=gold(lesions=lesions)))))
    for words in (
        "Mean Dice decides",
        "is the lowest lower bound of a structure (adrenal gland left); none may fall below",
        "1 structure with fewer than 3 patients has no bound: prostate.",
        "surface Dice in gold test, 20 patients. It decides nothing; it was opened 2 times",
    ):
        assert words in page.text
    assert page.row("Lesions found, of 31")[1:3] == ["87.1 %", "93.5 %"]
    assert page.row("False candidates a scan")[1:3] == ["0.81", "0.62"]
    closed = gold(test_patients=0, test_mean_dice=None, test_mean_nsd=None)
    page = Page(render_round(make_report(result=make_result(gold=closed))))
    assert "Gold test stayed closed" in page.text
