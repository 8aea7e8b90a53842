"""Lesions on the page of a round: complete, equal to the record, and silent without data."""

from __future__ import annotations

import re

import pytest
from made_up_lesions import (
    BEFORE,
    DIAGNOSIS,
    NO_TALLY,
    POINT,
    TALLY,
    make_detection,
    make_site,
    one_patient,
    unmeasured,
)  # fmt: skip
from made_up_report import Page, make_report
from made_up_rounds import make_result

from scalemai_core.page.report.lesions import matrix, site_line, strata_groups, tally_sentence
from scalemai_core.page.report.markdown import round_markdown
from scalemai_core.page.report.page import RoundReport, render_round
from scalemai_core.page.report.warning import warnings
from scalemai_core.records.detection import DetectionReport

LONG = make_site(point=POINT.model_copy(update={"site": "a<b>_site_with_very_many_words"}))


def report(detection: DetectionReport | None = None, **changes: object) -> RoundReport:
    return make_report(result=make_result(**changes), detection=detection)


EXTREMES = {
    "full": report(make_detection(), lesions=TALLY),
    "gold alone": report(make_detection()),
    "tally alone": report(lesions=TALLY),
    "nothing found": report(make_detection(unmeasured()), lesions=NO_TALLY),
    "one patient": report(make_detection(one_patient("liver"), diagnoses=())),
    "long names": report(make_detection(LONG, one_patient("liver"), unmeasured())),
    "no sites": report(make_detection().model_copy(update={"sites": (), "diagnoses": ()})),
}


@pytest.mark.parametrize("one", EXTREMES.values(), ids=EXTREMES)
def test_the_page_is_whole_and_shows_no_missing_values(one: RoundReport) -> None:
    source = render_round(one)
    page = Page(source)
    assert not re.search(r"\b(None|nan|NaN|inf|null|Undefined)\b", page.text)
    assert "{{" not in source
    assert "<b>_site" not in source


def test_without_a_model_of_lesions_there_is_no_section() -> None:
    page = Page(render_round(report()))
    assert "Lesions" not in page.text
    assert "lesion" not in round_markdown(make_result()).lower()


def test_candidates_are_told_with_their_fates_and_audits() -> None:
    page = Page(render_round(report(lesions=TALLY)))
    for shown in (
        "Of 4,812 lesion candidates 502 were open: reports confirmed 61 and excluded 302; 139 were "
        "left to people, who were shown 120 and took 37 for lesions.",
        "9 organs in which a report names lesions",
        "1 wrong of 6 deletions on a report's word",
    ):
        assert shown in page.text
    assert (
        page.row("improbablebelow the operating point of its site", "Lesions")[1]
        == "3,880 (80.6 %)"
    )
    assert (
        page.row("left to peopleno report settles it; asked if there is time", "Lesions")[1]
        == "139 (2.9 %)"
    )


def test_a_site_has_its_point_and_gold_test_before_and_after_reports() -> None:
    page = Page(render_round(report(make_detection())))
    assert page.row("pancreas140 scans, 52 normal", "Lesions")[1:] == [
        "4.3 %", "99.1 %reached", "model alone", "92 of 96", "95.8 %", "89.7\u201398.9 %", "0.62",
        "0.51", "", "", "22 s", "89.4 %", "0.951", "0.913\u20130.974",
    ]  # fmt: skip
    assert page.row("with reports", "Lesions")[1:] == [
        "91 of 96", "94.8 %", "88.3\u201398.3 %", "0.21", "<0.01", "57", "1", "22 s", "89.6 %",
    ]  # fmt: skip


def test_deleted_lesions_stand_out_only_where_there_are_any() -> None:
    assert '<b class="alarm">1<' in render_round(report(make_detection()))
    spared = make_site(deleted_lesions=0)
    assert 'class="alarm"' not in render_round(report(make_detection(spared)))


def test_a_site_without_reports_has_one_row() -> None:
    page = Page(render_round(report(make_detection(make_site(after_reports=BEFORE, deleted=0)))))
    assert not [row for row in page.rows if row and row[0].strip() == "with reports"]


def test_the_reason_of_an_unreached_target_is_told() -> None:
    page = Page(render_round(report(make_detection(unmeasured()))))
    assert "Colon: 99.0 % not reached. No patient here has a lesion: nothing is" in page.text


def test_few_lesions_have_counts_alone_and_empty_strata_nothing() -> None:
    page = Page(render_round(report(make_detection())))
    assert page.row("up to 5\u00a0mm", "Lesions")[1:] == ["3 of 4", "", "", ""]
    assert page.row("5 to 10\u00a0mm", "Lesions")[1:] == [
        "17 of 20",
        "85.0 %",
        "",
        "62.1\u201396.8 %",
    ]
    assert "over 40" not in page.text
    assert [group.title for group in strata_groups(make_site())] == [
        "By longest diameter",
        "By place",
    ]


def test_diagnoses_leave_out_kinds_that_nobody_has_or_is_told() -> None:
    table = matrix(DIAGNOSIS)
    assert table is not None
    assert table.titles == ("none", "pancreatic pdac", "pancreatic cyst")
    assert table.counts == ((40, 3, 2), (1, 31, 4), (2, 5, 28))
    page = Page(render_round(report(make_detection())))
    assert page.row("pancreatic cyst", "Lesions") == ["pancreatic cyst", "2", "5", "28"]
    assert "85.3 % right, 83.1 % among patients with a lesion" in page.text
    assert matrix(DIAGNOSIS.model_copy(update={"accuracy": None})) is None


def test_lost_lesions_and_missed_targets_are_warned_of() -> None:
    good = make_detection(make_site(deleted_lesions=0))
    assert warnings(make_result(), good) == ()
    bad = make_detection(make_site(deleted_lesions=2), unmeasured())
    lost, missed = warnings(make_result(), bad)
    assert lost.title == "Reports deleted 2 true lesions"
    assert "pancreas 2" in lost.meaning
    assert missed.title == "Too few lesions are sure to be found at 1 of 2 sites"
    assert "than the 99.0\u00a0% wanted: colon 0.0\u00a0%." in missed.meaning


def test_the_sentence_fits_any_number_of_candidates() -> None:
    assert tally_sentence(NO_TALLY) == "The model found no candidate for a lesion."
    below = NO_TALLY.model_copy(update={"candidates": 1, "fates": {"below": 1}})
    assert tally_sentence(below).startswith("Of 1 lesion candidate none was open")
    single = NO_TALLY.model_copy(update={"candidates": 1, "fates": {"review": 1}})
    assert tally_sentence(single).endswith("1 was left to people, who were shown none.")


def test_markdown_tells_candidates_and_gold_in_a_few_lines() -> None:
    detection = make_detection(make_site(), unmeasured())
    lines = round_markdown(make_result(lesions=TALLY), (), detection).splitlines()
    assert "- In 9 organs reports name lesions that neither the labels nor the model show." in lines
    [gold] = [line for line in lines if line.startswith("- Lesions of gold test")]
    assert "92 of 96 lesions (95.8\u00a0%), 0.62 false positives a scan; with reports 91" in gold
    assert gold.endswith("colon: no lesion to find.")
    assert site_line(one_patient("liver")).startswith("liver: 1 of 1 lesions (100.0\u00a0%), 0 ")
