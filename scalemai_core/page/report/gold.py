"""Gold by structure: both models with their intervals, and how far the difference may go down."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from scalemai_core.page.draw.axis import along, round_ticks
from scalemai_core.page.draw.number import change, dice, name
from scalemai_core.page.draw.svg import Drawing
from scalemai_core.records.gold import Estimate, GoldScore, Measured, StructureScore

MAX_ROWS = 24
"""Structures the page's figure shows; the file shows them all."""
_WIDTH, _ROW, _TOP, _BOTTOM = 1180.0, 27.0, 66.0, 36.0
_NAMES = 204.0
_APART = 4.5
_DOT = 4.0
_FINE_STEP = 0.009
_COMPARED = ((204.0, 466.0), (516.0, 778.0), (832.0, 1062.0))
_ALONE = ((204.0, 602.0), (664.0, 1062.0))
"""Where panels begin and end, with a champion and without."""
_STYLE = """
svg { font: 12.5px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1b2129 }
.ground { fill: #fff } .title { font-size: 16px; font-weight: 600 } .tick, .soft { fill: #5c6672 }
.value:not(.strong) { fill: #5c6672 } .end { text-anchor: end } .middle { text-anchor: middle }
.strong { font-weight: 600 } .grid { stroke: #e2e6ea } .zero-line { stroke: #5c6672 }
.margin { stroke: #c2412d; stroke-width: 1.4; stroke-dasharray: 5 3 } .margin-word { fill: #c2412d }
.gain { stroke: #1f6fb2; stroke-width: 2 } .loss { stroke: #c2412d; stroke-width: 2 }
.whisker { stroke: #5c6672; stroke-width: 1.4 }
.link { stroke: #5c6672; stroke-width: 1.2; stroke-dasharray: 2 4 }
.hollow { fill: #fff; stroke: #5c6672; stroke-width: 2 }
.solid { fill: #1f6fb2; stroke: #1f6fb2; stroke-width: 2 }
.solid-loss { fill: #c2412d; stroke: #c2412d; stroke-width: 2 }
"""
"""Of a file, which stands on white; on the page its style sheet has the same classes."""


@dataclass(frozen=True, slots=True)
class _Panel:
    """One axis with its grid, from ``left`` to ``right``."""

    title: str
    left: float
    right: float
    ticks: list[float]

    def at(self, value: float) -> float:
        return self.left + (self.right - self.left) * along(value, self.ticks)

    def frame(self, drawing: Drawing, base: float) -> None:
        drawing.text((self.left, _TOP - 20), self.title, "strong")
        digits = 2 if self.ticks[1] - self.ticks[0] > _FINE_STEP else 3
        for tick in self.ticks:
            x = self.at(tick)
            drawing.line((x, _TOP - 6), (x, base), "grid")
            words = f"{tick:.{digits}f}".replace("-", "\u2212")
            drawing.text((x, base + 17), words, "tick middle")

    def span(self, drawing: Drawing, value: Estimate, y: float, looks: tuple[str, str]) -> None:
        """An interval and the estimate in it."""
        line, dot = looks
        drawing.line((self.at(value.low), y), (self.at(value.high), y), line)
        drawing.dot((self.at(value.value), y), dot, _DOT, _told(value))


def draw_gold(score: GoldScore, margin: float, most: int = MAX_ROWS) -> str:
    """Dice, surface Dice and the difference, nearest to the margin first; empty without any."""
    rows = by_risk(score)[:most]
    if not rows:
        return ""
    drawing = Drawing(_WIDTH, _height(rows), "Gold select by structure")
    _fill(drawing, score, rows, margin)
    return drawing.source()


def gold_files(score: GoldScore, margin: float) -> dict[str, bytes]:
    """Every structure as a figure and as a table that need no page."""
    rows = by_risk(score)
    if not rows:
        return {}
    title, size = f"Gold select, {score.patients} patients", (_WIDTH, _height(rows))
    drawing = Drawing(size[0] + 48.0, size[1] + 68.0, title)
    drawing.bar((0.0, 0.0), (size[0] + 48.0, size[1] + 68.0), "ground", title)
    drawing.text((24.0, 36.0), title, "title")
    _fill(drawing.inset((24.0, 56.0), size, title), score, rows, margin)
    return {
        "gold_structures.svg": drawing.document(_STYLE).encode(),
        "gold_structures.csv": _table(rows).encode(),
    }


def by_risk(score: GoldScore) -> list[StructureScore]:
    """By the lower bound of the gain: those bounded, the rare ones, those without, by Dice."""
    return sorted(
        score.structures,
        key=lambda one: (
            one.dice.gain is None,
            not one.bounded,
            one.dice.gain.low if one.dice.gain else one.dice.new.value,
            one.structure,
        ),
    )


def _height(rows: Sequence[StructureScore]) -> float:
    return _TOP + _ROW * (len(rows) + 1) + _BOTTOM


def _fill(
    drawing: Drawing, score: GoldScore, rows: Sequence[StructureScore], margin: float
) -> None:
    base = _height(rows) - _BOTTOM
    panels = _panels(score, rows, margin)
    for panel in panels:
        panel.frame(drawing, base)
    if len(panels) == len(_COMPARED):
        _margin(drawing, panels[-1], margin, base)
    for index, row in enumerate(rows):
        y = _TOP + (index + 0.5) * _ROW
        _structure(drawing, panels, row, y, margin)
    _means(drawing, panels, score, base - _ROW / 2)
    _key(drawing, rows, margin)


def _panels(score: GoldScore, rows: Sequence[StructureScore], margin: float) -> list[_Panel]:
    compared = any(row.dice.gain for row in rows)
    edges = _COMPARED if compared else _ALONE
    means = ([score.mean_dice, score.champion_mean_dice], [score.mean_nsd, score.champion_mean_nsd])
    panels = [
        _Panel(title, *ends, round_ticks([*_values(measured), *(one for one in mean if one)]))
        for title, ends, measured, mean in (
            ("Dice", edges[0], [row.dice for row in rows], means[0]),
            ("Surface Dice", edges[1], [row.nsd for row in rows], means[1]),
        )
    ]
    if compared:
        gains = [row.dice.gain for row in rows if row.dice.gain]
        ends = [end for one in gains for end in (one.low, one.high)]
        ticks = round_ticks([*ends, -margin, 0.0])
        panels.append(_Panel("Difference in Dice", *_COMPARED[2], ticks))
    return panels


def _values(measured: Sequence[Measured]) -> list[float]:
    shown = [one for each in measured for one in (each.new, each.champion) if one]
    return [max(0.0, min(end, 1.0)) for one in shown for end in (one.low, one.high)]


def _margin(drawing: Drawing, panel: _Panel, margin: float, base: float) -> None:
    zero, allowed = panel.at(0.0), panel.at(-margin)
    drawing.line((zero, _TOP - 6), (zero, base), "zero-line")
    drawing.line((allowed, _TOP - 6), (allowed, base), "margin")
    drawing.text((allowed, base + 30), "margin", "margin-word middle")


def _structure(
    drawing: Drawing, panels: Sequence[_Panel], row: StructureScore, y: float, margin: float
) -> None:
    drawing.text((_NAMES - 12, y + 4), name(row.structure), "label end")
    gain = row.dice.gain
    lost = row.bounded and gain is not None and gain.low < -margin
    looks = ("loss", "solid-loss") if lost else ("gain", "solid")
    for panel, measured in zip(panels, (row.dice, row.nsd), strict=False):
        shift = _APART if measured.champion else 0.0
        if measured.champion:
            panel.span(drawing, measured.champion, y - shift, ("whisker", "hollow"))
        panel.span(drawing, measured.new, y + shift, looks)
    if gain:
        panels[2].span(drawing, gain, y, looks if row.bounded else ("link", "hollow"))
    words = change(gain.value) if gain else dice(row.dice.new.value)
    drawing.text((_WIDTH - 46, y + 4), words, "value end strong" if lost else "value end")
    drawing.text((_WIDTH, y + 4), str(row.patients), "tick end")


def _means(drawing: Drawing, panels: Sequence[_Panel], score: GoldScore, y: float) -> None:
    """The last row: means over structures, every structure alike."""
    drawing.line((0.0, y - _ROW / 2), (_WIDTH, y - _ROW / 2), "grid")
    drawing.text((_NAMES - 12, y + 4), "mean", "label end strong")
    pairs = (
        (score.mean_dice, score.champion_mean_dice),
        (score.mean_nsd, score.champion_mean_nsd),
    )
    for panel, (new, old) in zip(panels, pairs, strict=False):
        if old is not None:
            drawing.dot((panel.at(old), y), "hollow", _DOT, f"champion {dice(old)}")
        drawing.dot((panel.at(new), y), "solid", _DOT, f"new model {dice(new)}")
    gain = score.gains.get("dice")
    if gain and len(panels) > len(pairs):
        panels[2].span(drawing, gain, y, ("gain", "solid"))
    words = change(gain.value) if gain else dice(score.mean_dice)
    drawing.text((_WIDTH - 46, y + 4), words, "value end strong")
    drawing.text((_WIDTH, y + 4), str(score.patients), "tick end")


def _key(drawing: Drawing, rows: Sequence[StructureScore], margin: float) -> None:
    """What the marks mean, in one line, and what the numbers on the right are."""
    gains = [row for row in rows if row.dice.gain]
    entries = [("new model", "gain", "solid")]
    if gains:
        entries.insert(0, ("champion", "whisker", "hollow"))
        entries.append((f"may lose more than the margin of {margin:g}", "loss", "solid-loss"))
    if any(not row.bounded for row in gains):
        entries.append(("difference of a structure with too few patients", "link", "hollow"))
    x = _NAMES
    for words, line, dot in entries:
        drawing.line((x, 12.0), (x + 24, 12.0), line)
        drawing.dot((x + 12, 12.0), dot, _DOT)
        drawing.text((x + 31, 16.0), words, "soft")
        x += 54.0 + 6.3 * len(words)
    drawing.text((_WIDTH - 46, _TOP - 20), "change" if gains else "Dice", "tick end")
    drawing.text((_WIDTH, _TOP - 20), "n", "tick end")


def _told(value: Estimate) -> str:
    return f"{dice(value.value)} ({dice(value.low)} to {dice(value.high)})".replace("-", "\u2212")


def _table(rows: Sequence[StructureScore]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    ends = ("", "_low", "_high")
    measures = [(key, side) for key in ("dice", "nsd") for side in ("new", "champion", "gain")]
    header = [f"{key}_{side}{end}" for key, side in measures for end in ends]
    writer.writerow(["structure", "patients", "bounded", *header])
    for row in rows:
        found: list[Estimate | None] = [getattr(getattr(row, key), side) for key, side in measures]
        numbers = [
            None if one is None else round(getattr(one, end), 6)
            for one in found
            for end in ("value", "low", "high")
        ]
        writer.writerow([row.structure, row.patients, row.bounded, *numbers])
    return file.getvalue()
