"""A CSV table beside the files: what is known of each case and its patient."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from scalemai_core.errors import UsageError
from scalemai_core.intake.dicom import age_years
from scalemai_core.records.scan import CaseInfo, Sex

TABLE_NAME = "cases.csv"
_COLUMNS = ("case", "patient", "sex", "age", "phase", "centre", "report")
_SEXES = {"f": Sex.FEMALE, "female": Sex.FEMALE, "m": Sex.MALE, "male": Sex.MALE}
_NOT_KNOWN = ("", "o", "u", "unknown", "n/a", "na")


def read_table(path: Path) -> dict[str, CaseInfo]:
    """Case name to what its row says; empty where there is no such file.

    Raises UsageError for unknown columns, a missing ``case`` column, a case that stands twice, and
    values that mean nothing, because a misread patient column would mix patients over folds.
    """
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            _check_columns(path, reader.fieldnames or ())
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is not a CSV table in UTF-8: {error}") from error
    table: dict[str, CaseInfo] = {}
    for number, row in enumerate(rows, start=2):
        case = (row["case"] or "").strip()
        if not case or case in table:
            raise UsageError(f"{path}, line {number}: case '{case}' is empty or stands twice")
        table[case] = _info(row, f"{path}, line {number}")
    return table


def merged(table: CaseInfo | None, headers: CaseInfo) -> CaseInfo:
    """The table's word where it says something, else the file headers'."""
    if table is None:
        return headers
    return headers.model_copy(update=table.model_dump(exclude_none=True))


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    unknown = [column for column in columns if column not in _COLUMNS]
    if unknown or "case" not in columns:
        raise UsageError(
            f"{path}: columns must be 'case' and any of {', '.join(_COLUMNS[1:])}, separated by "
            f"commas; found {', '.join(columns) or 'none'}"
        )


def _info(row: dict[str, str | None], where: str) -> CaseInfo:
    texts = {column: (row.get(column) or "").strip() for column in _COLUMNS}
    return CaseInfo(
        patient=texts["patient"] or None,
        sex=_sex(texts["sex"], where),
        age_years=_age(texts["age"], where),
        phase=texts["phase"] or None,
        centre=texts["centre"] or None,
        report=texts["report"] or None,
    )


def _sex(text: str, where: str) -> Sex | None:
    if text.lower() in _NOT_KNOWN:
        return None
    if text.lower() not in _SEXES:
        raise UsageError(f"{where}: sex is F or M, or empty where unknown; found '{text}'")
    return _SEXES[text.lower()]


def _age(text: str, where: str) -> float | None:
    if text.lower() in _NOT_KNOWN:
        return None
    years = age_years(text)
    if years is not None:
        return years
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{where}: age is a number of years, found '{text}'") from None
