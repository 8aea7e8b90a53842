"""The page that tells people what a round did: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scalemai_core.page import number
from scalemai_core.page.charts import MAX_ROWS, draw_decisions, draw_gold, draw_quality
from scalemai_core.page.summary import headline, key_figures, warnings
from scalemai_core.records.decision import Action
from scalemai_core.records.round import RoundResult

_ORDER = (
    Action.REPLACE,
    Action.IMPUTE,
    Action.SET_ABSENT,
    Action.HOLD,
    Action.REVIEW,
    Action.KEEP,
)
"""Of the examples: what was changed without a person first."""
_CHANGED = 3
"""The first of them count as one."""
_GOLD = {"structure": pl.String, "dice": pl.Float64, "champion_dice": pl.Float64}


@dataclass(frozen=True, slots=True)
class Example:
    """One mask with its picture."""

    case: str
    structure: str
    action: Action
    reason: str
    dice: float | None
    """Annotation against prediction; None where one of them is missing."""
    png: bytes
    caption: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """What it takes to make the round again."""

    model_key: str
    """Folder of the round's new model."""
    seed: int
    settings_digest: str
    code_version: str


@dataclass(frozen=True, slots=True)
class RoundReport:
    """Everything the page shows.

    Columns of ``structures``: structure, one count per action (keep, replace, impute, set_absent,
    review, hold), masks, agreement (median Dice of annotation and prediction), truth_before and
    truth_after. Of ``findings``: rule, findings, masks, example. Of ``gold``: structure, dice,
    champion_dice. Dice may be null or NaN where nothing was measured.
    """

    result: RoundResult
    lineage: Lineage
    structures: pl.DataFrame
    findings: pl.DataFrame
    gold: pl.DataFrame | None = None
    history: tuple[RoundResult, ...] = ()
    """Earlier rounds."""
    examples: tuple[Example, ...] = ()


def render_round(report: RoundReport) -> str:
    """The page as HTML; ``round_report.html`` and ``round_report.css`` say how it looks."""
    result = report.result
    earlier = sorted(
        (past for past in report.history if past.number < result.number),
        key=lambda past: past.number,
    )
    structures = report.structures.fill_nan(None)
    gold = None if report.gold is None else report.gold.fill_nan(None)
    table = _by_structure(structures, gold)
    page = _environment().get_template("round_report.html")
    return page.render(
        result=result,
        lineage=report.lineage,
        rounds=[*earlier, result],
        headline=headline(result, earlier),
        warnings=warnings(result),
        figures=key_figures(result),
        actions=[action.value for action in Action],
        structures=table.to_dicts(),
        has_truth=_has(table, "truth_after"),
        findings=_by_number(report.findings).to_dicts(),
        has_gold=_has(table, "dice"),
        examples=sorted(report.examples, key=_place),
        quality_chart=_markup(draw_quality([*earlier, result]) if earlier or result.truth else ""),
        decisions_chart=_markup(draw_decisions(structures) if _any_acted(structures) else ""),
        gold_chart=_markup(draw_gold(gold) if gold is not None and gold.height else ""),
        num_gold=0 if gold is None else gold.height,
        max_rows=MAX_ROWS,
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": number.count,
        "dice": number.dice,
        "change": number.change,
        "percent": number.percent,
        "duration": number.duration,
        "name": number.name,
        "data_uri": data_uri,
    }
    return environment


def _markup(svg: str) -> Markup:
    """Set into the page as it is: what drew it has escaped the words in it."""
    return Markup(svg)


def data_uri(png: bytes) -> str:
    """A picture that travels inside the page."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _by_structure(structures: pl.DataFrame, gold: pl.DataFrame | None) -> pl.DataFrame:
    """Decisions and gold side by side; where least was simply kept comes first, as charted."""
    if structures.height == 0:
        return structures
    measured = pl.DataFrame(schema=_GOLD) if gold is None else gold.select(*_GOLD)
    counts = ["masks", *(action.value for action in Action)]
    total = pl.sum_horizontal(*(action.value for action in Action))
    return (
        structures.join(measured, on="structure", how="full", coalesce=True)
        .with_columns(
            pl.col(*counts).fill_null(0),
            truth_change=pl.col("truth_after") - pl.col("truth_before"),
            gold_change=pl.col("dice") - pl.col("champion_dice"),
        )
        .sort((total - pl.col(Action.KEEP.value)) / total, "structure", descending=[True, False])
    )


def _by_number(findings: pl.DataFrame) -> pl.DataFrame:
    if findings.height == 0:
        return findings
    return findings.sort("masks", "findings", "rule", descending=[True, True, False])


def _any_acted(structures: pl.DataFrame) -> bool:
    acted = [action.value for action in Action if action is not Action.KEEP]
    return structures.height > 0 and any(structures[column].sum() for column in acted)


def _has(frame: pl.DataFrame, column: str) -> bool:
    return frame.height > 0 and frame[column].null_count() < frame.height


def _place(example: Example) -> tuple[int, float]:
    """By what was decided, the largest disagreement first."""
    group = max(_ORDER.index(example.action), _CHANGED - 1)
    return (group, -1.0 if number.is_missing(example.dice) else example.dice or 0.0)
