"""The rows of a table of reports, CSV or JSON Lines, as they stand; nothing is judged but form."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scalemai_core.errors import UsageError

_CASE = ("case", "caseid", "casename", "scan", "scanid", "id")
_SECTIONS = {
    "findings": "FINDINGS",
    "finding": "FINDINGS",
    "report": "",
    "reporttext": "",
    "radiologyreport": "",
    "text": "",
    "impression": "IMPRESSION",
    "impressions": "IMPRESSION",
    "conclusion": "IMPRESSION",
    "addendum": "ADDENDUM",
}
_ACCEPTED = (
    "a table of reports is CSV (commas, semicolons or tabs, with a header) or JSON Lines, with a "
    "column 'case', 'scan' or 'id' and a column 'report', 'text', 'findings' or 'impression'"
)
_SEPARATORS = (",", ";", "\t")
_MAX_FIELD = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedReport:
    """One row; ``fault`` is the reason where it cannot be read, and None elsewhere."""

    line: int
    """Line of the file on which the row starts, from 1."""
    case: str
    text: str
    """Stripped; lines end in ``\\n``. Of a faulty row, what can be seen of it."""
    separator: str = ""
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class _Columns:
    """Names of the column of the case and of those of the text, in the order of a report."""

    case: str
    texts: tuple[str, ...]

    def text(self, row: Mapping[str, str]) -> str:
        """The columns' words under headings; empty ones left out."""
        parts = ((_SECTIONS[_plain(name)], _lines(row[name])) for name in self.texts)
        return "\n\n".join(f"{title}:\n{text}" if title else text for title, text in parts if text)


def offered_reports(path: Path) -> list[OfferedReport]:
    """All rows that hold anything; raises UsageError where the file is no table of reports."""
    text = _decoded(path)
    rows = _json_rows if text.lstrip().startswith("{") else _csv_rows
    return list(rows(path, text))


def _decoded(path: Path) -> str:
    """Text with ``\\n`` as line ends: UTF-8 or UTF-16 where it is that, else Windows Latin."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; {_ACCEPTED}") from error
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16" if utf16 else "utf-8-sig", "cp1252"):
        try:
            return _line_ends(data.decode(encoding))
        except UnicodeDecodeError:
            continue
    return _line_ends(data.decode("latin-1"))


def _csv_rows(path: Path, text: str) -> Iterator[OfferedReport]:
    first, _, body = text.partition("\n")
    with _wide_fields():
        separator, names, columns = _header(path, first)
        table = csv.reader(io.StringIO(body), delimiter=separator, strict=True)
        while True:
            line = table.line_num + 2
            try:
                cells = next(table)
            except StopIteration:
                return
            except csv.Error:
                yield OfferedReport(line=line, case="", text="", fault="broken_quotes")
                return
            if any(cell.strip() for cell in cells):
                yield _csv_row(line, names, cells, columns, separator)


def _csv_row(
    line: int, names: Sequence[str], cells: Sequence[str], columns: _Columns, separator: str
) -> OfferedReport:
    row = dict(zip(names, cells, strict=False))
    case = row.get(columns.case, "").strip()
    if len(cells) != len(names):
        seen = _lines(separator.join(cells))
        return OfferedReport(line=line, case=case, text=seen, fault="ragged_row")
    return OfferedReport(line=line, case=case, text=columns.text(row), separator=separator)


def _header(path: Path, line: str) -> tuple[str, list[str], _Columns]:
    """The separator with which the first line names the columns that are needed, and all names."""
    for separator in _SEPARATORS:
        names = next(csv.reader([line], delimiter=separator), [])
        if columns := _columns(names):
            return separator, names, columns
    shown = line[:120] if line.isprintable() or "\t" in line else "what is no text"
    raise UsageError(f"{path}: {_ACCEPTED}, each once; its first line is '{shown}'")


def _json_rows(path: Path, text: str) -> Iterator[OfferedReport]:
    rows = [
        (number, _json_object(line))
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]
    names = {name: None for _, row in rows for name in row or ()}
    columns = _columns(list(names))
    if columns is None:
        raise UsageError(f"{path}: {_ACCEPTED}; its keys are {', '.join(names) or 'none'}")
    for number, row in rows:
        if row is None:
            yield OfferedReport(line=number, case="", text="", fault="not_json")
        else:
            yield _json_row(number, row, columns)


def _json_row(line: int, row: Mapping[str, Any], columns: _Columns) -> OfferedReport:
    values = {name: row.get(name) for name in columns.texts}
    texts = {name: "" if value is None else str(value) for name, value in values.items()}
    is_text = all(value is None or isinstance(value, str) for value in values.values())
    return OfferedReport(
        line=line,
        case="" if row.get(columns.case) is None else str(row[columns.case]).strip(),
        text=columns.text(texts),
        fault=None if is_text else "not_text",
    )


def _json_object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The parser alone would let the last of two reports win; raises ValueError."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _columns(names: Sequence[str]) -> _Columns | None:
    """None where a column is missing, or two have one name."""
    named = [name for name in names if _plain(name)]
    by_plain = {_plain(name): name for name in named}
    case = next((by_plain[plain] for plain in _CASE if plain in by_plain), None)
    texts = tuple(by_plain[plain] for plain in _SECTIONS if plain in by_plain)
    return _Columns(case, texts) if case and texts and len(by_plain) == len(named) else None


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _lines(text: str) -> str:
    return _line_ends(text).strip()


@contextmanager
def _wide_fields() -> Iterator[None]:
    """Lets a field be longer than 128 kB, so that its row is rejected and not the whole table."""
    usual = csv.field_size_limit(_MAX_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(usual)
