"""Charts of the round report: label quality by round, decisions by structure."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from scalemai_core.page.draw.axis import along, round_ticks
from scalemai_core.page.draw.number import count, dice, name
from scalemai_core.page.draw.svg import Drawing
from scalemai_core.records.decision import Action
from scalemai_core.records.round import RoundResult

MAX_ROWS = 16
"""Structures a chart shows; the tables hold them all."""
_WIDTH, _ROW, _TOP, _BOTTOM = 640.0, 23.0, 34.0, 40.0
_NAMES, _VALUES = 190.0, 104.0
_HEIGHT, _LEFT = 316.0, 56.0
_FINE_STEP = 0.009
_MAX_LABELLED = 6
_ACTED = tuple(action for action in Action if action is not Action.KEEP)


def draw_quality(history: Sequence[RoundResult]) -> str:
    """Mean Dice by round: to the truth before and after, else of annotation and prediction."""
    scored = [(one.number, one.truth) for one in history if one.truth is not None]
    if scored:
        dots = [(number, t.mean_dice_before, t.mean_dice_after) for number, t in scored]
        return _draw_rounds(dots, "Mean Dice to truth")
    plain = [(one.number, one.mean_agreement, one.mean_agreement) for one in history]
    return _draw_rounds(plain, "Mean Dice of annotation and prediction")


def _draw_rounds(rounds: Sequence[tuple[int, float, float]], title: str) -> str:
    drawing = Drawing(_WIDTH, _HEIGHT, f"{title} by round")
    values = [value for _, *pair in rounds for value in pair]
    room = max(0.01, 0.15 * (max(values) - min(values)))  # for the numbers at the dots
    ticks = round_ticks([max(0.0, min(values) - room), min(1.0, max(values) + room / 2)])
    digits = 2 if ticks[1] - ticks[0] > _FINE_STEP else 3
    base, top = _HEIGHT - 58.0, 26.0
    for tick in ticks:
        y = base - (base - top) * along(tick, ticks)
        drawing.line((_LEFT, y), (_WIDTH, y), "grid")
        drawing.text((_LEFT - 10, y + 4), f"{tick:.{digits}f}", "tick end")
    slot = (_WIDTH - _LEFT) / len(rounds)
    shift = min(0.28 * slot, 90.0) if any(a != b for _, a, b in rounds) else 0.0
    last = None
    for index, (number, before, after) in enumerate(rounds):
        middle = _LEFT + (index + 0.5) * slot
        start = (middle - shift, base - (base - top) * along(before, ticks))
        stop = (middle + shift, base - (base - top) * along(after, ticks))
        if last is not None:
            drawing.line(last, start, "link")
        last = stop
        drawing.line(start, stop, "gain")
        if shift:
            drawing.dot(start, "hollow")
        drawing.dot(stop, "solid")
        if len(rounds) <= _MAX_LABELLED:
            if shift:
                drawing.text((start[0], start[1] + 21), dice(before), "value middle")
            drawing.text((stop[0], stop[1] - 12), dice(after), "value middle strong")
        drawing.text((middle, base + 22), f"round {number}", "tick middle")
    if shift:
        _key(drawing, _HEIGHT - 8, (("before", "hollow"), ("after", "solid")))
    return drawing.source()


def draw_decisions(structures: pl.DataFrame) -> str:
    """What was not simply kept, as a share of each structure's annotations."""
    total = pl.sum_horizontal(*(action.value for action in Action))
    rows = (
        structures.with_columns(
            total=total, acted=pl.sum_horizontal(*(action.value for action in _ACTED))
        )
        .filter(pl.col("acted") > 0)
        .sort(pl.col("acted") / pl.col("total"), "structure", descending=[True, False])
        .head(MAX_ROWS)
        .to_dicts()
    )
    drawing = Drawing(_WIDTH, _TOP + _ROW * len(rows) + _BOTTOM, "Decisions by structure")
    ticks = round_ticks([0.0, *(row["acted"] / row["total"] for row in rows)])
    _columns(drawing, ticks, len(rows), [f"{100 * tick:.0f}\u00a0%" for tick in ticks])
    for index, row in enumerate(rows):
        x, y = _NAMES, _TOP + index * _ROW
        drawing.text((_NAMES - 12, y + 15), name(row["structure"]), "label end")
        for action in _ACTED:
            width = _across(row[action] / row["total"], ticks) - _NAMES
            if width > 0:
                note = f"{name(row['structure'])}: {count(row[action])} {name(action)}"
                drawing.bar((x, y + 3), (width, _ROW - 7), f"act-{action}", note)
                x += width
        words = f"{count(row['acted'])} of {count(row['total'])}"
        drawing.text((_WIDTH, y + 15), words, "value end")
    used = [action for action in _ACTED if any(row[action] for row in rows)]
    _key(drawing, 14, [(name(action), f"act-{action}") for action in used])
    return drawing.source()


def _columns(drawing: Drawing, ticks: Sequence[float], rows: int, words: Sequence[str]) -> None:
    """Grid lines and their numbers for a chart with one structure a row."""
    base = _TOP + rows * _ROW
    for tick, word in zip(ticks, words, strict=True):
        x = _across(tick, ticks)
        drawing.line((x, _TOP - 4), (x, base + 4), "grid")
        drawing.text((x, base + 20), word, "tick middle")


def _key(drawing: Drawing, y: float, entries: Sequence[tuple[str, str]]) -> None:
    """What the marks mean, in one line."""
    x = _LEFT
    for words, look in entries:
        if look.startswith("act-"):
            drawing.bar((x - 5, y - 9), (11, 11), look, words)
        else:
            drawing.dot((x, y - 4), look)
        drawing.text((x + 12, y), words, "label")
        x += 46 + 7.0 * len(words)


def _across(value: float, ticks: Sequence[float]) -> float:
    return _NAMES + (_WIDTH - _VALUES - 16 - _NAMES) * along(value, ticks)
