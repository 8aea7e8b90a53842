"""FROC and ROC curves of lesion detection, a small picture a site; for the page or as files."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from scalemai_core.page.draw.number import name, percent, percents, rate
from scalemai_core.page.draw.svg import Drawing, Place
from scalemai_core.records.detection import (
    Curve,
    DetectionReport,
    DiagnosisReport,
    SiteReport,
    Work,
)

FROC_SIZE, ROC_SIZE = (380.0, 302.0), (290.0, 302.0)
"""Their plots are equally high."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 10.0, 26.0, 46.0
_FIRST, _LAST = 1 / 8, 32.0
_ROUNDING = 1e-9
_FROC_TICKS = ("\u215b", "\u00bc", "\u00bd", "1", "2", "4", "8", "16", "32")
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_DOT = 4.5

_KEY = (
    ("all scans", "curve", "solid"),
    ("normal scans", "curve normal", "solid-normal"),
    ("with reports", "", "ring"),
)
_STYLE = """
svg { font: 12.5px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1b2129 }
.ground { fill: #fff } .title { font-size: 16px; font-weight: 600 } .tick, .soft { fill: #5c6672 }
.end { text-anchor: end } .middle { text-anchor: middle } .strong { font-weight: 600 }
.grid { stroke: #e2e6ea } .link { stroke: #5c6672; stroke-width: 1.2; stroke-dasharray: 2 4 }
.curve { fill: none; stroke: #1f6fb2; stroke-width: 2; stroke-linejoin: round }
.curve.normal { stroke: #5c6672; stroke-width: 1.6; stroke-dasharray: 5 3 }
.band { fill: #1f6fb2; fill-opacity: 0.15 } .band.normal { fill: #5c6672; fill-opacity: 0.11 }
.solid { fill: #1f6fb2; stroke: #fff } .solid-normal { fill: #5c6672; stroke: #fff }
.ring { fill: #fff; stroke: #1f6fb2; stroke-width: 2 }
"""
"""Of a file, which stands on white; on the page its style sheet has the same classes."""


def draw_froc(site: SiteReport) -> str:
    """Lesions found against false positives a scan; empty where there is no curve."""
    return _on_page(site, FROC_SIZE, _froc) if site.froc.x else ""


def draw_roc(site: SiteReport, diagnosis: DiagnosisReport | None) -> str:
    """Patients told apart; ``diagnosis`` knows the operating point's. Empty without a curve."""
    if not site.roc.x:
        return ""
    return _on_page(site, ROC_SIZE, lambda drawing, one: _roc(drawing, one, diagnosis))


def curve_files(report: DetectionReport) -> dict[str, bytes]:
    """Every curve as a file that needs no page: ``froc_liver.svg``."""
    diagnoses = {one.site: one for one in report.diagnoses}
    files: dict[str, bytes] = {}
    for site in report.sites:
        own = site.point.site
        if site.froc.x:
            drawing, panel = _sheet(f"Lesions of {name(own)}: FROC", FROC_SIZE)
            _froc(panel, site)
            _key(drawing, FROC_SIZE[1] + 66.0)
            files[f"froc_{own}.svg"] = drawing.document(_STYLE).encode()
        if site.roc.x:
            drawing, panel = _sheet(f"Lesions of {name(own)}: ROC", ROC_SIZE)
            _roc(panel, site, diagnoses.get(own))
            drawing.text((20.0 + _LEFT, ROC_SIZE[1] + 66.0), "patients; 95\u00a0% band", "soft")
            files[f"roc_{own}.svg"] = drawing.document(_STYLE).encode()
    return files


def _on_page(site: SiteReport, size: Place, draw: Callable[[Drawing, SiteReport], None]) -> str:
    kind = "FROC" if size is FROC_SIZE else "ROC"
    drawing = Drawing(*size, f"{kind} of {name(site.point.site)}")
    draw(drawing, site)
    return drawing.source()


def _sheet(title: str, size: Place) -> tuple[Drawing, Drawing]:
    width, height = size[0] + 40.0, size[1] + 84.0
    drawing = Drawing(width, height, title)
    drawing.bar((0.0, 0.0), (width, height), "ground", title)
    drawing.text((20.0, 32.0), title, "title")
    return drawing, drawing.inset((20.0, 44.0), size, title)


def _froc(drawing: Drawing, site: SiteReport) -> None:
    ticks = [_FIRST * 2**power for power in range(len(_FROC_TICKS))]
    marks = [(_log_share(x), word) for x, word in zip(ticks, _FROC_TICKS, strict=True)]
    _axes(drawing, FROC_SIZE, marks, ("lesions found", "false positives per scan"))
    for curve, look in ((site.froc_normal, " normal"), (site.froc, "")):
        _draw(drawing, FROC_SIZE, _from_first(curve), look)
    before, after = site.before_reports, site.after_reports
    alone = _place(before, before.false_positives_per_scan)
    normal = _place(before, before.false_positives_per_normal_scan)
    reported = _place(after, after.false_positives_per_scan)
    if alone and reported and after != before:
        drawing.line(alone, reported, "link")
        drawing.dot(reported, "ring", _DOT, f"with reports: {_told(after)}")
    if normal:
        drawing.dot(normal, "solid-normal", _DOT, f"normal scans: {_told(before)}")
    if alone:
        drawing.dot(alone, "solid", _DOT, f"operating point: {_told(before)}")


def _roc(drawing: Drawing, site: SiteReport, diagnosis: DiagnosisReport | None) -> None:
    marks = [(share, f"{100 * share:.0f}") for share in _SHARES]
    _axes(drawing, ROC_SIZE, marks, ("patients found", "normal patients suspected, %"))
    drawing.line(_at(ROC_SIZE, 0.0, 0.0), _at(ROC_SIZE, 1.0, 1.0), "link")
    points = list(zip(site.roc.x, site.roc.y, site.roc.low, site.roc.high, strict=True))
    _draw(drawing, ROC_SIZE, points, "")
    right, base = _at(ROC_SIZE, 1.0, 0.0)
    if site.auc is not None:
        drawing.text((right - 8, base - 28), f"AUC {site.auc:.3f}", "end strong")
    if site.auc_low is not None and site.auc_high is not None:
        words = f"{site.auc_low:.3f}\u2013{site.auc_high:.3f}"
        drawing.text((right - 8, base - 11), words, "tick end")
    chosen = None if diagnosis is None else patients_told(diagnosis)
    if chosen:
        suspected, found = chosen
        note = f"operating point: {percent(found)} found, {percent(suspected)} suspected"
        drawing.dot(_at(ROC_SIZE, suspected, found), "solid", _DOT, note)


def patients_told(diagnosis: DiagnosisReport) -> tuple[float, float] | None:
    """Share of patients without and with a lesion in whom the operating point finds one."""
    counts = np.array(diagnosis.counts)
    normal, ill = counts[0], counts[1:].sum(axis=0)
    if not normal.sum() or not ill.sum():
        return None
    return float(normal[1:].sum() / normal.sum()), float(ill[1:].sum() / ill.sum())


def _axes(
    drawing: Drawing,
    size: Place,
    marks: Sequence[tuple[float, str]],
    names: tuple[str, str],
) -> None:
    """Grid lines and their words; ``marks`` are of the axis across, as shares of its length."""
    for share in _SHARES:
        left, y = _at(size, 0.0, share)
        drawing.line((left, y), _at(size, 1.0, share), "grid")
        unit = "\u00a0%" if share == 1.0 else ""
        drawing.text((left - 7, y + 4), f"{100 * share:.0f}{unit}", "tick end")
    for share, word in marks:
        x, base = _at(size, share, 0.0)
        drawing.line((x, base), (x, base + 4), "grid")
        drawing.text((x, base + 18), word, "tick middle")
    drawing.text((0.0, 11.0), names[0], "soft")
    drawing.text((_at(size, 0.5, 0.0)[0], size[1] - 7), names[1], "soft middle")


def _draw(
    drawing: Drawing,
    size: Place,
    points: Sequence[tuple[float, float, float, float]],
    look: str,
) -> None:
    """A curve over its band; ``points`` hold the share across, the estimate and its bounds."""
    if not points:
        return
    upper = [_at(size, x, high) for x, _, _, high in points]
    lower = [_at(size, x, low) for x, _, low, _ in points]
    drawing.outline([np.array([*upper, *reversed(lower)])], f"band{look}")
    drawing.path([_at(size, x, y) for x, y, _, _ in points], f"curve{look}")


def _key(drawing: Drawing, y: float) -> None:
    x = 20.0 + _LEFT
    for words, line, dot in _KEY:
        if line:
            drawing.line((x, y - 4), (x + 24, y - 4), line)
        drawing.dot((x + 12, y - 4), dot, _DOT)
        drawing.text((x + 31, y), words, "soft")
        x += 48.0 + 6.6 * len(words)


def _from_first(curve: Curve) -> list[tuple[float, float, float, float]]:
    points = zip(curve.x, curve.y, curve.low, curve.high, strict=True)
    return [(_log_share(x), y, low, high) for x, y, low, high in points if x >= _FIRST - _ROUNDING]


def _place(work: Work, false_positives: float | None) -> Place | None:
    found = work.sensitivity.estimate
    if found is None or false_positives is None:
        return None
    return _at(FROC_SIZE, _log_share(false_positives), found)


def _told(work: Work) -> str:
    found = work.sensitivity
    return (
        f"{percent(found.estimate)} of lesions found ({percents(found.low, found.high)}), "
        f"{rate(work.false_positives_per_scan)} false positives per scan, "
        f"{rate(work.false_positives_per_normal_scan)} per normal scan"
    )


def _log_share(false_positives: float) -> float:
    """Where on the axis; what lies beyond an end is drawn at that end."""
    inside = min(max(false_positives, _FIRST), _LAST)
    return math.log(inside / _FIRST) / math.log(_LAST / _FIRST)


def _at(size: Place, across: float, up: float) -> Place:
    width, height = size[0] - _LEFT - _RIGHT, size[1] - _TOP - _BOTTOM
    return _LEFT + width * across, _TOP + height * (1.0 - up)
