"""A table of radiology reports, one a scan: the rows taken, and the others with their reasons."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

from scalemai_core.intake.report_rows import OfferedReport, offered_reports
from scalemai_core.records.base import Record
from scalemai_core.records.rejection import Rejection

MAX_CHARACTERS = 200_000
_SHEET_LIMIT = 32_767
"""Characters that a spreadsheet's cell holds: a text of this length was cut."""
_REASONS = {
    "ragged_row": (
        "has another number of cells than the header",
        "Put texts that hold separators or line breaks in double quotes.",
    ),
    "broken_quotes": (
        "runs into other rows, because a double quote is never closed; what follows is not read",
        "Close every quote, and write a quote inside a text twice.",
    ),
    "not_json": (
        "is no JSON object with keys of their own",
        "Write one object a line, each key once.",
    ),
    "not_text": ("holds no text where the report should be", "Give the report as one string."),
    "empty_report": ("holds no text", "Leave the row out, or give the report."),
    "unknown_scan": (
        "names no known scan",
        "Name the case as the source does, letter for letter, or ingest the scan first.",
    ),
    "several_reports": (
        "is one of several rows with different reports of the same scan",
        "Keep the report of this scan alone; join an addendum to it.",
    ),
    "repeated_report": ("repeats an earlier row", "Nothing to do."),
    "report_too_long": (
        f"holds more than {MAX_CHARACTERS:,} characters",
        "Check that quotes are closed, and give one report a row.",
    ),
    "truncated_report": (
        f"holds exactly {_SHEET_LIMIT:,} characters, where spreadsheets cut a cell",
        "Export the table from where it came, not from a spreadsheet.",
    ),
    "control_characters": (
        "holds control or invisible characters",
        "Export the report as plain text.",
    ),
}


class ReportRow(Record):
    """The report of one scan, as written but for line ends, which are ``\\n``."""

    case: str
    text: str

    @property
    def formula_like(self) -> bool:
        """Whether a spreadsheet would take the text for a formula; here it is text like any."""
        return self.text.startswith(("=", "+", "-", "@"))


def read_reports(path: Path, cases: Collection[str]) -> list[ReportRow | Rejection]:
    """Each row's report or rejection, in the order of the rows; ``cases`` are the known scans.

    Takes CSV with commas, semicolons or tabs, and JSON Lines. A column ``case``, ``scan`` or ``id``
    names the scan; ``report``, ``text``, ``findings``, ``impression`` and ``addendum`` are joined.
    Different reports of one scan are all rejected. Raises UsageError for what is no such table.
    """
    rows = offered_reports(path)
    texts: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.text:
            texts[row.case].add(row.text)
    taken: set[str] = set()
    found: list[ReportRow | Rejection] = []
    for row in rows:
        reason = row.fault or _reason(row, cases, texts[row.case], taken)
        if reason is None:
            taken.add(row.case)
            found.append(ReportRow(case=row.case, text=row.text))
        else:
            found.append(_rejection(path, row, reason))
    return found


def _reason(
    row: OfferedReport, cases: Collection[str], texts: Collection[str], taken: Collection[str]
) -> str | None:
    """The first reason that holds against a row; None where there is none."""
    against: Sequence[tuple[str, bool]] = (
        ("unknown_scan", row.case not in cases),
        ("empty_report", not row.text),
        ("report_too_long", len(row.text) > MAX_CHARACTERS),
        ("several_reports", len(texts) > 1),
        ("repeated_report", row.case in taken),
        ("truncated_report", len(row.text) == _SHEET_LIMIT),
        ("broken_quotes", _holds_a_row(row, cases)),
        ("control_characters", any(map(_is_control, row.text))),
    )
    return next((reason for reason, holds in against if holds), None)


def _holds_a_row(row: OfferedReport, cases: Collection[str]) -> bool:
    """Whether a line of the text is the start of another case's row, swallowed by a quote."""
    later = row.text.split("\n")[1:]
    starts = (line.partition(row.separator) for line in later if row.separator)
    return any(between and start.strip(' "') in cases for start, between, _ in starts)


def _is_control(character: str) -> bool:
    """Whether it controls, shows as nothing (and so may split a word), or is half a character."""
    return character not in "\n\t" and unicodedata.category(character) in {"Cc", "Cf", "Cs"}


def _rejection(path: Path, row: OfferedReport, reason: str) -> Rejection:
    message, remedy = _REASONS[reason]
    return Rejection(
        source=path.name,
        path=f"{path}, line {row.line}",
        reason=reason,
        message=f"{path}, line {row.line}: the report of '{row.case[:80]}' {message}",
        remedy=remedy,
    )
