"""One structure in one scan as a drawing that stays sharp: planes, slices, outlines, legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from scalemai_core.page.draw.contour import loops
from scalemai_core.page.draw.figures import Outline
from scalemai_core.page.draw.focus import focus, levels
from scalemai_core.page.draw.svg import Drawing
from scalemai_core.page.draw.view import View, views
from scalemai_core.page.draw.window import Window
from scalemai_core.records.label_map import ImageZYX

PLANE_PX = 400
SLICES = 5
GAP_PX = 8
MARGIN_PX = 20
WIDTH_PX = 3 * PLANE_PX + 2 * GAP_PX + 2 * MARGIN_PX
SLICE_PX = (WIDTH_PX - 2 * MARGIN_PX - (SLICES - 1) * GAP_PX) / SLICES
_HEAD_PX, _FOOT_PX, _BAND_PX = 74, 46, 30
_SAMPLE_PX, _LETTER_PX = 44, 8.2
_MARK_PX = 12

_STYLE = """
svg { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #d6dbe2 }
.ground { fill: #0e1014 } .panel { fill: #000 }
.title { font-size: 23px; font-weight: 600; fill: #f4f6f8 } .lead { font-size: 16px }
.note { font-size: 14px; fill: #9aa3af } .legend { font-size: 16px }
.name, .mark, .scale { paint-order: stroke; stroke: #000; stroke-width: 3px; fill: #d6dbe2 }
.name { font-size: 13px } .mark { font-size: 15px; font-weight: 600 } .scale { font-size: 12px }
.middle { text-anchor: middle } .end { text-anchor: end }
.tick { stroke: #60dc82; stroke-width: 1.5 } .bar { stroke: #d6dbe2; stroke-width: 2.5 }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round } .tint { stroke: none }
.dashed { stroke-dasharray: 7 4 }
"""


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands above the picture."""

    title: str
    lead: str
    note: str


def draw_plate(
    image_zyx: ImageZYX,
    spacing_mm_zyx: tuple[float, float, float],
    outlines: Sequence[Outline],
    window: Window,
    caption: Caption,
) -> str:
    """An SVG file: three planes without and with outlines, and axial slices from head to feet.

    The planes go through the largest disagreement of the first two outlines, and what only one of
    these two holds is tinted. The patient's right is on the picture's left.
    """
    plate = _Plate(image_zyx, spacing_mm_zyx, outlines, window)
    return plate.drawn(caption)


class _Plate:
    def __init__(
        self,
        image_zyx: ImageZYX,
        spacing_mm_zyx: tuple[float, float, float],
        outlines: Sequence[Outline],
        window: Window,
    ) -> None:
        self._image_zyx = image_zyx
        self._spacing_mm = spacing_mm_zyx
        self._outlines = outlines
        self._window = window
        self._masks = [outline.mask_zyx for outline in outlines]
        self._focus = focus(self._masks, spacing_mm_zyx, image_zyx.shape)

    def drawn(self, caption: Caption) -> str:
        chosen = levels(self._masks[:2], SLICES)
        band = _BAND_PX + SLICE_PX if chosen else 0.0
        height = _HEAD_PX + 2 * PLANE_PX + GAP_PX + band + _FOOT_PX
        drawing = Drawing(WIDTH_PX, height, caption.title)
        drawing.bar((0, 0), (WIDTH_PX, height), "ground", "")
        drawing.text((MARGIN_PX, 32), caption.title, "title")
        drawing.text((MARGIN_PX, 58), caption.lead, "lead")
        drawing.text((WIDTH_PX - MARGIN_PX, 32), caption.note, "note end")
        drawing.text((WIDTH_PX - MARGIN_PX, 58), str(self._window), "note end")
        self._planes(drawing)
        top = _HEAD_PX + 2 * PLANE_PX + GAP_PX
        if chosen:
            words = "Axial slices through equal shares of the masks, from head to feet"
            drawing.text((MARGIN_PX, top + 21), words, "note")
            self._slices(drawing, chosen, top + _BAND_PX)
        _legend(drawing, self._outlines, height - _FOOT_PX / 2)
        return drawing.document(_STYLE + _colors(self._outlines))

    def _planes(self, drawing: Drawing) -> None:
        for column, view in enumerate(self._views(self._focus, PLANE_PX)):
            left = MARGIN_PX + column * (PLANE_PX + GAP_PX)
            for row, outlined in enumerate((False, True)):
                top = _HEAD_PX + row * (PLANE_PX + GAP_PX)
                panel = self._panel(drawing, (left, top), view, outlined=outlined)
                _annotate(panel, view, view.name)
                _crosshair(panel, view)

    def _slices(self, drawing: Drawing, chosen: Sequence[int], top: float) -> None:
        total = self._image_zyx.shape[0]
        for column, level in enumerate(chosen):
            _, y, x = self._focus
            axial = self._views((level, y, x), math.floor(SLICE_PX))[0]
            left = MARGIN_PX + column * (SLICE_PX + GAP_PX)
            panel = self._panel(drawing, (left, top), axial, outlined=True)
            _annotate(panel, axial, f"slice {level + 1} of {total}")

    def _views(self, focus_zyx: tuple[int, int, int], panel_px: int) -> list[View]:
        shape = self._image_zyx.shape
        return list(views(self._masks, focus_zyx, self._spacing_mm, shape, panel_px))

    def _panel(
        self, drawing: Drawing, corner: tuple[float, float], view: View, *, outlined: bool
    ) -> Drawing:
        side = float(view.panel_px)
        panel = drawing.inset(corner, (side, side), view.name)
        panel.bar((0, 0), (side, side), "panel", "")
        self._scan(panel, view)
        if not outlined:
            return panel
        cuts = [view.cut(mask_zyx) for mask_zyx in self._masks]
        if len(cuts) > 1:
            for number, (own, other) in enumerate(((cuts[0], cuts[1]), (cuts[1], cuts[0]))):
                alone = [view.to_px(loop) for loop in loops(own & ~other)]
                panel.outline(alone, f"tint tint{number}")
        for number, (cut, outline) in enumerate(zip(cuts, self._outlines, strict=True)):
            dashed = " dashed" if outline.dashed else ""
            lines = [view.to_px(loop) for loop in loops(cut)]
            panel.outline(lines, f"line line{number}{dashed}")
        return panel

    def _scan(self, panel: Drawing, view: View) -> None:
        """The voxels that the panel shows, as they are: whoever looks at it smooths them."""
        gray = self._window.gray(view.cut(self._image_zyx))
        side_mm = view.panel_px / view.px_per_mm
        low = [
            max(0, math.floor(at / step))
            for at, step in zip(view.corner_mm, view.spacing_mm, strict=True)
        ]
        high = [
            min(size, math.ceil((at + side_mm) / step))
            for at, step, size in zip(
                view.corner_mm, view.spacing_mm, gray.shape[::-1], strict=True
            )
        ]
        (left, top), (right, bottom) = low, high
        file = BytesIO()
        Image.fromarray(gray[top:bottom, left:right].copy()).save(file, "PNG", optimize=True)
        start, stop = (
            tuple(
                (index * step - at) * view.px_per_mm
                for index, step, at in zip(place, view.spacing_mm, view.corner_mm, strict=True)
            )
            for place in (low, high)
        )
        panel.image((start[0], start[1]), (stop[0] - start[0], stop[1] - start[1]), file.getvalue())


def _annotate(panel: Drawing, view: View, name: str) -> None:
    """Name of the panel, right and left (or front and back), and a scale bar."""
    side = float(view.panel_px)
    panel.text((8, 18), name, "name")
    panel.text((8, side / 2 + 5), view.marks[0], "mark")
    panel.text((side - 8, side / 2 + 5), view.marks[1], "mark end")
    start = side - 12 - view.bar_mm * view.px_per_mm
    panel.line((start, side - 12), (side - 12, side - 12), "bar")
    panel.text(((start + side - 12) / 2, side - 18), f"{view.bar_mm / 10:g} cm", "scale middle")


def _crosshair(panel: Drawing, view: View) -> None:
    """The sides above and below, and ticks where the other two planes cut."""
    column, row = view.focus_px
    side = float(view.panel_px)
    panel.text((side / 2, 18), view.marks[2], "mark middle")
    panel.text((side / 2, side - 8), view.marks[3], "mark middle")
    for start, stop in ((0.0, float(_MARK_PX)), (side - _MARK_PX, side)):
        panel.line((column, start), (column, stop), "tick")
        panel.line((start, row), (stop, row), "tick")


def _legend(drawing: Drawing, outlines: Sequence[Outline], middle: float) -> None:
    """A line sample and a name for every outline."""
    left = float(MARGIN_PX)
    for number, outline in enumerate(outlines):
        dashed = " dashed" if outline.dashed else ""
        ends = ((left, middle), (left + _SAMPLE_PX, middle))
        drawing.line(*ends, f"line line{number} sample{dashed}")
        drawing.text((left + _SAMPLE_PX + 10, middle + 5), outline.name, "legend")
        left += _SAMPLE_PX + 10 + len(outline.name) * _LETTER_PX + 34
    if len(outlines) > 1:
        words = "tinted: in only one of the first two"
        drawing.text((WIDTH_PX - MARGIN_PX, middle + 5), words, "note end")


def _colors(outlines: Sequence[Outline]) -> str:
    lines = [
        f".line{n} {{ stroke: {o.color} }} .tint{n} {{ fill: {o.color}; fill-opacity: 0.2 }}"
        for n, o in enumerate(outlines)
    ]
    return "\n".join([*lines, ".sample { stroke-width: 3 }"])
