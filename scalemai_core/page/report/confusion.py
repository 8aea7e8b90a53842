"""What the report says of decisions against judgement, truth and people."""

from __future__ import annotations

from typing import Any

import polars as pl

from scalemai_core.judge.decisions.confusion import TOUCHED, UNKNOWN
from scalemai_core.page.draw.number import count, name, share
from scalemai_core.records.decision import Action
from scalemai_core.records.review import ItemKind

_FOUND = {True: "with findings", False: "no finding"}


def judged_rows(judged: pl.DataFrame) -> list[dict[str, Any]]:
    """What the judgement said, in words, with its counts; a row each."""
    return [row | {"title": _title(row)} for row in judged.fill_nan(None).to_dicts()]


def people_rows(people: pl.DataFrame) -> list[dict[str, Any]]:
    """What people were asked, in words, with their answers; a row each."""
    return [row | {"title": _asked(row)} for row in people.to_dicts()]


def truth_sentences(outcome: pl.DataFrame) -> tuple[str, ...]:
    """The errors that matter: wrong masks kept, and what replacing, filling in and people did."""
    rows = {row["action"]: row for row in outcome.to_dicts()}
    found = (
        _kept(rows.get(Action.KEEP.value)),
        _changed(rows.get(Action.REPLACE.value), "replaced"),
        _filled(rows.get(Action.IMPUTE.value)),
        _changed(rows.get(Action.REVIEW.value), "asked of people"),
    )
    return tuple(sentence for sentence in found if sentence)


def _kept(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    wrong = share(row["wrong_after"], row["masks"])
    return f"Kept but wrong: {wrong} of {count(row['masks'])} masks."


def _changed(row: dict[str, Any] | None, what: str) -> str:
    if row is None or row["better"] is None:
        return ""
    return (
        f"Of {count(row['masks'])} masks {what}, {count(row['better'])} became better and "
        f"{count(row['worse'])} worse."
    )


def _filled(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    wrong = share(row["wrong_after"], row["masks"])
    return f"Filled in but wrong: {wrong} of {count(row['masks'])} masks."


def _title(row: dict[str, Any]) -> str:
    if row["said"] == UNKNOWN:
        return "unknown: no mask yet" + (", with findings" if row["found"] else "")
    return f"{row['said']}, {_FOUND[row['found']]}"


def _asked(row: dict[str, Any]) -> str:
    if row["kind"] != ItemKind.AUDIT.value:
        return str(row["reason"])
    if row["reason"] == TOUCHED:
        return "audit: touched by a neighbour's change"
    return f"audit: {name(row['reason'])}"
