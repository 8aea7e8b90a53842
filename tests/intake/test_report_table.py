"""A table of reports: what is taken, and what is rejected with a reason and never raised."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scalemai_core.errors import UsageError
from scalemai_core.intake.reports import MAX_CHARACTERS, ReportRow, read_reports
from scalemai_core.records.rejection import Rejection

CASES = {"CT-1", "CT-2", "CT-3"}
WORDS = "No focal liver lesion."
HEADS = (b"case,report\n", b'{"id":1,"text":""}\n')
SHOWN = st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs"])
Offer = Callable[..., list[ReportRow | Rejection]]


@pytest.fixture
def offer(tmp_path: Path) -> Offer:
    """Write bytes or text as a table and read it."""

    def read(table: bytes | str, name: str = "reports.csv") -> list[ReportRow | Rejection]:
        path = tmp_path / name
        path.write_bytes(table if isinstance(table, bytes) else table.encode())
        return read_reports(path, CASES)

    return read


def said(rows: list[ReportRow | Rejection]) -> list[tuple[str, str] | str]:
    """Case and text of what is taken, the reason of what is not."""
    return [(row.case, row.text) if isinstance(row, ReportRow) else row.reason for row in rows]


@pytest.mark.parametrize(
    "header",
    [
        "case,report",
        "Case,Report",
        "scan,text",
        "ID,Report Text",
        "scan_id,report-text",
        "id,Findings",
    ],
)  # fmt: skip
def test_columns_are_known_by_several_names(offer: Offer, header: str) -> None:
    [row] = offer(f"{header}\nCT-1,{WORDS}{',' * (header.count(',') - 1)}\n")
    assert isinstance(row, ReportRow)
    assert row.case == "CT-1"
    assert row.text.endswith(WORDS)


def test_findings_and_impression_are_joined_under_their_headings(offer: Offer) -> None:
    rows = offer("scan,age,impression,findings\nCT-1,61,Normal.,Liver normal.\nCT-2,40,Normal.,\n")
    assert said(rows) == [
        ("CT-1", "FINDINGS:\nLiver normal.\n\nIMPRESSION:\nNormal."),
        ("CT-2", "IMPRESSION:\nNormal."),
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_commas_semicolons_and_tabs_separate(offer: Offer, separator: str) -> None:
    table = f'case{separator}report\r\nCT-1{separator}"a{separator} b\r\nsaid ""c"""\r\n'
    assert said(offer(table)) == [("CT-1", f'a{separator} b\nsaid "c"')]


def test_json_lines_are_read_as_rows_are(offer: Offer) -> None:
    lines = [
        json.dumps({"case": "CT-1", "report": "a\r\nb", "age": 3}),
        "",
        "{broken",
        "[1, 2]",
        json.dumps({"case": "CT-2", "report": None}),
        json.dumps({"case": "CT-3", "report": ["a"]}),
        json.dumps({"case": 17, "report": "a"}),
        '{"case": "CT-3", "report": "a", "report": "b"}',
    ]
    rows = offer("\n".join(lines), "reports.jsonl")
    assert said(rows) == [
        ("CT-1", "a\nb"), "not_json", "not_json", "empty_report", "not_text", "unknown_scan",
        "not_json",
    ]  # fmt: skip
    assert [row.path.rpartition(" ")[2] for row in rows if isinstance(row, Rejection)] == [
        "3", "4", "5", "6", "7", "8",
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
def test_the_usual_encodings_are_understood(offer: Offer, encoding: str) -> None:
    text = "Läsion 3,5 cm, Größe ± 2 mm"
    assert said(offer(f"case;report\nCT-1;{text}\n".encode(encoding))) == [("CT-1", text)]


def test_a_report_of_an_unknown_scan_is_rejected_by_row(offer: Offer) -> None:
    taken, rejected = offer(f"case,report\nCT-1,{WORDS}\nCT-9,{WORDS}\n")
    assert isinstance(taken, ReportRow)
    assert isinstance(rejected, Rejection)
    assert rejected.reason == "unknown_scan"
    assert rejected.source == "reports.csv"
    assert rejected.path.endswith("reports.csv, line 3")
    assert "CT-9" in rejected.message
    assert rejected.remedy


def test_different_reports_of_one_scan_are_all_rejected(offer: Offer) -> None:
    rows = offer(f"case,report\nCT-1,{WORDS}\nCT-2,{WORDS}\nCT-1,A liver lesion.\n")
    assert said(rows) == ["several_reports", ("CT-2", WORDS), "several_reports"]


def test_the_same_report_twice_is_taken_once(offer: Offer) -> None:
    rows = offer(f"case,report\nCT-1,{WORDS}\nCT-1,{WORDS}\nCT-1,\n")
    assert said(rows) == [("CT-1", WORDS), "repeated_report", "empty_report"]


def test_a_second_report_that_cannot_be_read_still_casts_doubt_on_the_first(offer: Offer) -> None:
    rows = offer(f"case,report\nCT-1,{WORDS}\nCT-1,A lesion, of the liver.\n")
    assert said(rows) == ["several_reports", "ragged_row"]


def test_ragged_rows_are_rejected_and_blank_ones_passed_over(offer: Offer) -> None:
    rows = offer(f"case,report\n\nCT-1\n,\nCT-2,No mass, no lesion\nCT-3,{WORDS}\n")
    assert said(rows) == ["ragged_row", "ragged_row", ("CT-3", WORDS)]


@pytest.mark.parametrize("spoilt", ['CT-2,"A lesion\n', 'CT-2,"A "lesion"\n'])
def test_an_unclosed_quote_ends_the_table_and_says_so(offer: Offer, spoilt: str) -> None:
    rows = offer(f"case,report\nCT-1,{WORDS}\n{spoilt}CT-3,{WORDS}\n")
    assert said(rows) == [("CT-1", WORDS), "broken_quotes"]


def test_a_quote_that_swallows_the_next_row_is_noticed(offer: Offer) -> None:
    rows = offer(f'case,report\nCT-1,"A lesion\nCT-2,{WORDS}\nCT-3,"\n')
    assert said(rows) == ["broken_quotes"]


def test_empty_and_endless_texts_are_rejected(offer: Offer) -> None:
    long = "a" * 1_000_000
    rows = offer(f"case,report\nCT-1,  \nCT-2,{long}\nCT-3,{'a' * MAX_CHARACTERS}\n")
    assert said(rows) == ["empty_report", "report_too_long", ("CT-3", "a" * MAX_CHARACTERS)]
    assert csv.field_size_limit() == 131_072


def test_a_text_cut_by_a_spreadsheet_is_rejected(offer: Offer) -> None:
    assert said(offer(f"case,report\nCT-1,{'a' * 32_767}\n")) == ["truncated_report"]


@pytest.mark.parametrize("character", ["\0", "\x1b", "\u202e", "\u200b", "\u00ad"])
def test_control_and_invisible_characters_are_rejected(offer: Offer, character: str) -> None:
    rows = offer(f"case,report\nCT-1,pos{character}sible lesion\nCT-2,a\u00a0b\tc\n")
    assert said(rows) == ["control_characters", ("CT-2", "a\u00a0b\tc")]


def test_half_a_character_is_rejected(offer: Offer) -> None:
    assert said(offer('{"id": "CT-1", "text": "\\ud800"}')) == ["control_characters"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_formulas_stay_text_and_are_told(offer: Offer, start: str) -> None:
    text = f'{start}HYPERLINK(""http://x"")'
    [row, plain] = offer(f'case,report\nCT-1,"{text}"\nCT-2,{WORDS}\n')
    assert isinstance(row, ReportRow)
    assert row.text == f'{start}HYPERLINK("http://x")'
    assert row.formula_like
    assert isinstance(plain, ReportRow)
    assert not plain.formula_like


def test_other_languages_are_left_to_the_reader(offer: Offer) -> None:
    text = "Keine fokale Leberläsion."
    assert said(offer(f"case,report\nCT-1,{text}\n")) == [("CT-1", text)]


@pytest.mark.parametrize(
    "table",
    [
        b"", b"case,age\nCT-1,3\n", b"report\nx\n", b"case,report,Report\nCT-1,a,b\n",
        b"case,id_no\n", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"PK\x03\x04" + bytes(300_000),
        b'{"age": 3}\n', b"{broken\n", b'[{"case": "CT-1", "report": "x"}]',
    ],
)  # fmt: skip
def test_what_is_no_table_of_reports_is_refused_in_one_line(offer: Offer, table: bytes) -> None:
    with pytest.raises(UsageError, match="column 'case', 'scan' or 'id'") as refused:
        offer(table)
    assert "\n" not in str(refused.value)
    assert str(refused.value).isprintable()


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(UsageError, match="cannot read"):
            read_reports(path, CASES)


def test_a_header_alone_holds_no_report(offer: Offer) -> None:
    assert offer("case,report\n") == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    body=st.binary(max_size=120), head=st.sampled_from([b"case,report\n", b'{"id":1,"text":""}\n'])
)
def test_no_row_raises_whatever_it_holds(offer: Offer, body: bytes, head: bytes) -> None:
    for row in offer(head + body):
        assert isinstance(row, Rejection) or row.case in CASES


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(
    text=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs"]), min_size=1)
)
def test_a_text_comes_back_as_it_was_written(tmp_path: Path, offer: Offer, text: str) -> None:
    with (tmp_path / "written.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["case", "report"], ["CT-1", f"a{text}b"]])
    [row] = read_reports(tmp_path / "written.csv", CASES)
    assert isinstance(row, ReportRow)
    assert row.text == f"a{text}b"
