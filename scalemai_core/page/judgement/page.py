"""One judgement as a page of Markdown that a radiologist understands."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from scalemai_core.judge.rules.registry import RULES
from scalemai_core.page.draw.number import MISSING, count, millilitres
from scalemai_core.page.judgement.expert_words import expert_words, licence_words
from scalemai_core.page.judgement.explanation import SIDES, Explanation
from scalemai_core.page.judgement.mask_words import current_words, prediction_words
from scalemai_core.page.judgement.usual import Row, usual_density, usual_height, usual_volume
from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Candidate


def judgement_page(told: Explanation) -> str:
    """The page as Markdown."""
    parts = [
        f"# {told.title}",
        f"**{told.outcome}.**",
        current_words(told),
        prediction_words(told),
        _findings(told.row),
        expert_words(told),
        licence_words(told),
        "\n".join(_table(told)),
        "\n".join(
            [
                "**Round by round**",
                "",
                *(f"- {one}" for one in sorted(told.history)),
                f"- {told.standing}",
            ]
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _findings(row: Row) -> str:
    """What the verifier found on either mask, and what would make it innocent."""
    rules = {side: _rules(row, side) for side in SIDES}
    said = (row["message"] or "").strip().rstrip(".")
    lines = [
        f"- on the current mask: {said or ', '.join(rules[Candidate.CURRENT]) or 'none'}",
        f"- on the prediction: {', '.join(rules[Candidate.PREDICTION]) or 'none'}",
    ]
    if not any(rules.values()):
        return "**Findings.** None, neither on the current mask nor on the prediction."
    bitten = dict.fromkeys(rule for found in rules.values() for rule in found)
    innocent = [
        f"- *{name}* can be innocent: {RULES[name].waiver}"
        for name in bitten
        if name in RULES and RULES[name].waiver != "none"
    ]
    return "\n".join(["**Findings**", "", *lines, *innocent])


def _rules(row: Row, side: Candidate) -> list[str]:
    return [name for name in (row[f"findings_{side.value}"] or "").split(",") if name]


def _table(told: Explanation) -> Iterator[str]:
    """Both masks beside what is usual."""
    row, usual = told.row, told.usual
    yield "| | current | prediction | usual |"
    yield "|---|---:|---:|---:|"
    lines = (
        ("volume", "volume_ml", millilitres, usual_volume(usual)),
        ("mean density", "mean_hu", _whole("HU"), usual_density(usual)),
        ("height", "height_mm", _whole("mm"), usual_height(usual)),
    )
    empty = row["state"] == State.UNKNOWN.value
    for name, column, write, beside in lines:
        values = [row[f"{column}_{side.value}"] for side in SIDES]
        arrows = ["" if beside is None else beside.arrow(value) for value in values]
        current, predicted = (
            f"{write(value)} {arrow}".strip() for value, arrow in zip(values, arrows, strict=True)
        )
        told_usual = MISSING if beside is None else str(beside)
        yield f"| {name} | {MISSING if empty else current} | {predicted} | {told_usual} |"
    yield ""
    yield (
        "*Usual* is what lies within two robust deviations of the median of all masks of this "
        f"structure in round {told.number}: about 19 of 20 good ones."
    )


def _whole(unit: str) -> Callable[[float | None], str]:
    return lambda value: MISSING if value is None else f"{count(value)}\u00a0{unit}"
