"""Made-up pages of rounds, and a reader of them."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import polars as pl
from made_up_rounds import (
    FINDINGS,
    JUDGED,
    NO_EXPERT,
    NO_GOLD,
    OUTCOME,
    PEOPLE,
    STAND_IN,
    make_result,
    make_structures,
)

from scalemai_core.page.report.example import Example
from scalemai_core.page.report.page import Lineage, RoundReport
from scalemai_core.records.decision import Action
from scalemai_core.settings.engine import EngineSettings

LINEAGE = Lineage("r0002-5c1e", seed=7, settings_digest="b3f0c5a1", code_version="0.1.0+g4f2a")
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Collects the words, cells and addresses, and fails on tags that do not match."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.rows: list[list[str]] = []
        self.under: list[str] = []
        """The heading above each row."""
        self.heading = ""
        self.addresses: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "link", "iframe"}
        self.addresses += [value or "" for key, value in attrs if key in {"src", "href"}]
        if tag == "h2":
            self.heading = ""
        if tag == "tr":
            self.rows.append([])
            self.under.append(self.heading)
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
        if "h2" in self.open:
            self.heading += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).replace("\u00a0", " ").split())

    def row(self, name: str, under: str = "") -> list[str]:
        """The only row that begins with a name, below a heading that begins so."""
        [row] = [
            row
            for row, heading in zip(self.rows, self.under, strict=True)
            if row and row[0].strip() == name and heading.startswith(under)
        ]
        return [cell.strip().replace("\u00a0", " ") for cell in row]


def make_example(action: Action, dice: float | None, structure: str = "spleen") -> Example:
    return Example(
        case="CT-1",
        structure=structure,
        action=action,
        reason="half is missing",
        dice=dice,
        quality=0.031,
        rival="prediction",
        quality_rival=0.942,
        better=0.9991,
        png=b"\x89PNG",
        caption="solid: before",
    )


def make_report(**changes: Any) -> RoundReport:
    usual: dict[str, Any] = {
        "result": make_result(),
        "settings": EngineSettings(),
        "lineage": LINEAGE,
        "structures": make_structures(),
        "findings": FINDINGS,
        "judged": JUDGED,
        "outcome": OUTCOME,
        "people": PEOPLE,
    }
    return RoundReport(**(usual | changes))


def full() -> RoundReport:
    return make_report(
        history=(make_result(number=1, base_version=1, dataset_version=5, model_version=2),),
        examples=(make_example(Action.HOLD, 0.5), make_example(Action.REPLACE, None)),
    )


def bare() -> RoundReport:
    return make_report(
        result=make_result(
            number=1, truth=None, audited=0, audit_errors=0, audit_upper_bound=None,
            audit_width=None, reviewed=0, reviewed_share=0.0, human_minutes=0.0, expert=STAND_IN,
            **NO_GOLD,
        ),
        structures=make_structures(
            agreement=[0.9, float("nan")], truth_before=pl.Series([None, None], dtype=pl.Float64),
            truth_after=pl.Series([None, None], dtype=pl.Float64),
        ),
        findings=FINDINGS.clear(),
        judged=JUDGED.with_columns(compared=0, wrong=0),
        outcome=OUTCOME.clear(),
        people=PEOPLE.clear(),
    )  # fmt: skip


def nothing() -> RoundReport:
    return make_report(
        result=make_result(
            number=1, masks=0, held=0, truth=None, decisions={}, seconds={}, evidence={},
            expert=NO_EXPERT, audited=0, audit_errors=0, audit_population=0,
            audit_upper_bound=None, audit_width=None, **NO_GOLD,
        ),
        structures=make_structures().clear(),
        findings=FINDINGS.clear(),
        judged=JUDGED.clear(),
        outcome=OUTCOME.clear(),
        people=PEOPLE.clear(),
    )  # fmt: skip
