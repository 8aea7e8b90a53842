"""A round as a few lines of Markdown, for the flow run's artifact and the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from scalemai_core.page.draw.number import MISSING, count, dice, name, percent
from scalemai_core.page.report.audit import audit_sentence
from scalemai_core.page.report.example import Example, judged
from scalemai_core.page.report.expert import expert_line
from scalemai_core.page.report.lesions import site_line, tally_sentence, unfound_sentence
from scalemai_core.page.report.loop import loop_sentence
from scalemai_core.page.report.page import data_uri
from scalemai_core.page.report.summary import decided, headline
from scalemai_core.page.report.warning import notice, warnings
from scalemai_core.records.detection import DetectionReport
from scalemai_core.records.round import RoundResult

_COLUMNS = (
    "Round", "Dataset", "Dice to truth", "Agreement", "Changed", "On hold", "People",
    "Auto errors", "Gold Dice", "Model",
)  # fmt: skip


def round_markdown(
    result: RoundResult,
    history: Sequence[RoundResult] = (),
    detection: DetectionReport | None = None,
) -> str:
    """What to know first, the sentence, what to beware of, and one row a round, newest last."""
    earlier = sorted(
        (past for past in history if past.number < result.number), key=lambda past: past.number
    )
    rows = [_COLUMNS, ("---:",) * len(_COLUMNS), *(_row(one) for one in (*earlier, result))]
    first = notice(result)
    lines = [
        *([f"**{first.title}.** {first.meaning}", ""] if first else []),
        headline(result, earlier),
        "",
        *(f"- **{warned.title}.** {warned.meaning}" for warned in warnings(result, detection)),
        f"- Decisions: {decided(result) or 'none'}.",
        f"- Expert: {expert_line(result)}.",
        f"- Audit: {audit_sentence(result)}",
        *_lesions(result, detection),
        f"- {loop_sentence(result)}",
        "",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def pictures_markdown(examples: Sequence[Example]) -> str:
    """The examples as pictures inside the text, each with its case, structure and reason."""
    lines = ["### Examples", ""]
    for example in examples:
        title = f"**{name(example.structure)}**, {example.case}: {example.action.value}"
        lines += [
            f"{title}, {example.reason}. {judged(example)}.",
            "",
            f"![]({data_uri(example.png)})",
            "",
        ]
    return "\n".join(lines) if examples else ""


def _lesions(result: RoundResult, detection: DetectionReport | None) -> list[str]:
    lines: list[str] = []
    if result.lesions:
        lines.append(f"- Lesions: {tally_sentence(result.lesions)}")
        if result.lesions.unfound:
            lines.append(f"- {unfound_sentence(result.lesions)}")
    if detection and detection.sites:
        told = ". ".join(site_line(site) for site in detection.sites)
        lines.append(f"- Lesions of gold test: {told}.")
    return lines


def _row(result: RoundResult) -> tuple[str, ...]:
    truth, gold = result.truth, result.gold
    quality = MISSING
    if truth is not None:
        quality = f"{dice(truth.mean_dice_before)} \u2192 {dice(truth.mean_dice_after)}"
    return (
        str(result.number),
        f"v{result.base_version} \u2192 v{result.dataset_version}",
        quality,
        dice(result.mean_agreement),
        count(result.changed),
        count(result.held),
        percent(result.reviewed_share),
        f"\u2264 {percent(result.audit_upper_bound)}"
        if result.audit_upper_bound is not None
        else MISSING,
        dice(gold.mean_dice if gold else None),
        f"{result.model_version} {'promoted' if result.promoted else 'not promoted'}",
    )
