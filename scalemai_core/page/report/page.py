"""The page that tells people what a round did: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scalemai_core.page.draw import number
from scalemai_core.page.report.audit import audit_words
from scalemai_core.page.report.charts import draw_decisions, draw_quality
from scalemai_core.page.report.confusion import judged_rows, people_rows, truth_sentences
from scalemai_core.page.report.example import Example, judged, place
from scalemai_core.page.report.expert import SOURCES, family_rows, required_accuracy
from scalemai_core.page.report.gold_section import gold_rows, gold_section
from scalemai_core.page.report.lesions import (
    MIN_LESIONS,
    fate_rows,
    site_views,
    tally_sentence,
)
from scalemai_core.page.report.loop import loop_rows, loop_sentence
from scalemai_core.page.report.summary import headline, key_figures
from scalemai_core.page.report.warning import notice, sentence, warnings
from scalemai_core.records.decision import Action
from scalemai_core.records.detection import DetectionReport
from scalemai_core.records.round import RoundResult
from scalemai_core.settings.engine import EngineSettings

WORST = 8
"""Structures in the tables of the worst."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """What it takes to make the round again."""

    model_key: str
    """Folder of the round's new model."""
    seed: int
    settings_digest: str
    code_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundReport:
    """Everything the page shows.

    ``structures``, ``findings``, ``judged``, ``outcome`` and ``people`` are the tables of
    ``judge.tally`` and ``judge.confusion``; ``outcome`` is empty where no truth was given. Dice may
    be null or NaN where nothing was measured.
    """

    result: RoundResult
    settings: EngineSettings
    lineage: Lineage
    structures: pl.DataFrame
    findings: pl.DataFrame
    judged: pl.DataFrame
    outcome: pl.DataFrame
    people: pl.DataFrame
    history: tuple[RoundResult, ...] = ()
    """Earlier rounds."""
    examples: tuple[Example, ...] = ()
    detection: DetectionReport | None = None
    """What gold says of the new model and lesions; None where it knows none."""


def render_round(report: RoundReport) -> str:
    """The page as HTML; ``page.html``, ``sections`` and the style sheet draw it."""
    result = report.result
    earlier = sorted(
        (past for past in report.history if past.number < result.number),
        key=lambda past: past.number,
    )
    structures = report.structures.fill_nan(None)
    table = _by_structure(structures, gold_rows(result.gold))
    page = _environment().get_template("page.html")
    return page.render(
        result=result,
        settings=report.settings,
        lineage=report.lineage,
        headline=headline(result, earlier),
        notice=notice(result),
        warnings=warnings(result, report.detection),
        figures=key_figures(result),
        actions=[action.value for action in Action],
        structures=table.to_dicts(),
        has_truth=_has(table, "truth_after"),
        has_gold=_has(table, "dice"),
        examples=sorted(report.examples, key=place),
        quality_chart=_markup(draw_quality([*earlier, result]) if earlier or result.truth else ""),
        decisions_chart=_markup(draw_decisions(structures) if _any_acted(structures) else ""),
        **gold_section(result.gold, report.settings.evaluate.margin_dice),
        **_judgement(report),
        **_lesions(report),
        loop=loop_rows([*earlier, result]),
        loop_sentence=loop_sentence(result),
    )


def _judgement(report: RoundReport) -> dict[str, object]:
    """What the page says of the expert, its decisions and their audit."""
    result, settings = report.result, report.settings
    said = judged_rows(report.judged)
    return {
        "families": family_rows(result, settings),
        "required_accuracy": required_accuracy(result.expert, settings.expert),
        "source": SOURCES[result.expert.source],
        "said": said,
        "said_truth": any(row["compared"] for row in said),
        "outcome": report.outcome.to_dicts(),
        "outcome_sentences": truth_sentences(report.outcome),
        "people": people_rows(report.people),
        "worst": _first(report.structures, "quality", descending=False),
        "held": _first(_held(report.structures), "held", descending=True),
        "findings": _by_number(report.findings).to_dicts(),
        "findings_truth": _any(report.findings, "compared"),
        "audit": audit_words(result, settings.decide),
    }


def _lesions(report: RoundReport) -> dict[str, object]:
    """What became of lesion candidates, and how well the new model finds lesions."""
    tally, detection = report.result.lesions, report.detection
    return {
        "tally_sentence": "" if tally is None else tally_sentence(tally),
        "fates": () if tally is None else fate_rows(tally),
        "sites": () if detection is None else site_views(detection),
        "min_lesions": MIN_LESIONS,
    }


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
        "percents": number.percents,
        "threshold": number.threshold,
        "rate": number.rate,
        "duration": number.duration,
        "nats": number.nats,
        "share": number.share,
        "judged": judged,
        "name": number.name,
        "sentence": sentence,
        "data_uri": data_uri,
    }
    return environment


def _markup(svg: str) -> Markup:
    """Set into the page as it is: what drew it has escaped the words in it."""
    return Markup(svg)


def data_uri(png: bytes) -> str:
    """A picture that travels inside the page."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _by_structure(structures: pl.DataFrame, gold: pl.DataFrame) -> pl.DataFrame:
    """Decisions and gold side by side; where least was simply kept comes first, as charted."""
    if structures.height == 0:
        return structures
    counts = ["masks", *(action.value for action in Action)]
    total = pl.sum_horizontal(*(action.value for action in Action))
    return (
        structures.join(gold, on="structure", how="full", coalesce=True)
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


def _first(structures: pl.DataFrame, column: str, *, descending: bool) -> list[dict[str, object]]:
    """The structures that stand out by a column, the worst first."""
    return (
        structures.fill_nan(None)
        .filter(pl.col(column).is_not_null())
        .sort(column, "quality", "structure", descending=[descending, False, False])
        .head(WORST)
        .to_dicts()
    )


def _held(structures: pl.DataFrame) -> pl.DataFrame:
    held = pl.col("hold") / pl.col("masks")
    return structures.filter(pl.col("hold") > 0).with_columns(held=held)


def _any(frame: pl.DataFrame, column: str) -> bool:
    return frame.height > 0 and bool(frame[column].sum())


def _any_acted(structures: pl.DataFrame) -> bool:
    acted = [action.value for action in Action if action is not Action.KEEP]
    return structures.height > 0 and any(structures[column].sum() for column in acted)


def _has(frame: pl.DataFrame, column: str) -> bool:
    return frame.height > 0 and frame[column].null_count() < frame.height
