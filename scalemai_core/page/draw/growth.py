"""A sheet of one tumour growing: three planes through where it began, a column for each stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from scalemai_core.page.draw.contour import loops
from scalemai_core.page.draw.focus import Mask, focus
from scalemai_core.page.draw.view import View, views

PANEL_PX, GAP_PX, HEAD_PX = 320, 4, 64
_BACKGROUND, _INK, _FAINT = (14, 16, 20), (226, 230, 236), (150, 158, 170)
_TUMOUR, _DEAD = (255, 176, 32), (255, 92, 160)
_FINE = 3
"""Lines are drawn this much larger and shrunk, which smooths them."""


@dataclass(frozen=True, slots=True)
class GrownStage:
    """One column of the sheet."""

    image_zyx: NDArray[np.float32]
    """HU."""
    mask_zyx: Mask
    dead_zyx: Mask
    title: str
    note: str


def draw_growth(
    stages: Sequence[GrownStage],
    spacing_mm_zyx: tuple[float, float, float],
    window_hu: tuple[float, float],
) -> bytes:
    """PNG with a row each for axial, coronal and sagittal, and the axial plane with outlines.

    All columns show the same part of the same planes; the first may well hold no tumour. The
    patient's right is on the picture's left.
    """
    masks = [stage.mask_zyx for stage in stages]
    first = next((mask_zyx for mask_zyx in masks if mask_zyx.any()), masks[-1])
    focus_zyx = focus([first], spacing_mm_zyx, first.shape)
    planes = list(views([masks[-1]], focus_zyx, spacing_mm_zyx, first.shape, PANEL_PX))
    rows = [*((plane, False) for plane in planes), (planes[0], True)]
    step = PANEL_PX + GAP_PX
    size = (len(stages) * step - GAP_PX, HEAD_PX + len(rows) * step - GAP_PX)
    sheet = Image.new("RGB", size, _BACKGROUND)
    for column, stage in enumerate(stages):
        _head(sheet, column * step, stage)
        for row, (plane, outlined) in enumerate(rows):
            panel = _panel(plane, stage, window_hu, outlined=outlined)
            _annotate(panel, plane, named=column == 0)
            sheet.paste(panel, (column * step, HEAD_PX + row * step))
    file = BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _panel(
    plane: View, stage: GrownStage, window_hu: tuple[float, float], *, outlined: bool
) -> Image.Image:
    low, high = window_hu
    gray = np.clip((plane.cut(stage.image_zyx) - low) / (high - low), 0.0, 1.0)
    panel = plane.place((255 * gray).astype(np.uint8)).convert("RGB")
    if outlined:
        for mask_zyx, color in ((stage.mask_zyx, _TUMOUR), (stage.dead_zyx, _DEAD)):
            panel.paste(color, (0, 0, *panel.size), _line(plane, plane.cut(mask_zyx)))
    return panel


def _line(plane: View, cut: Mask) -> Image.Image:
    """Opacity of a mask's outline."""
    fine = Image.new("L", (PANEL_PX * _FINE, PANEL_PX * _FINE))
    pen = ImageDraw.Draw(fine)
    for loop in loops(cut):
        path = [(float(x), float(y)) for x, y in plane.to_px(loop) * _FINE]
        pen.line(path, fill=255, width=round(1.5 * _FINE), joint="curve")
    return fine.reduce(_FINE)


def _head(sheet: Image.Image, left: int, stage: GrownStage) -> None:
    pen = ImageDraw.Draw(sheet)
    middle = left + PANEL_PX / 2
    pen.text((middle, 6), stage.title, fill=_INK, font=ImageFont.load_default(24), anchor="ma")
    pen.text((middle, 38), stage.note, fill=_FAINT, font=ImageFont.load_default(16), anchor="ma")


def _annotate(panel: Image.Image, plane: View, *, named: bool) -> None:
    """A scale bar; in the first column also the plane's name and the sides of the patient."""
    pen = ImageDraw.Draw(panel)
    right = bottom = PANEL_PX - 10
    left = right - plane.bar_mm * plane.px_per_mm
    pen.line([(left - 1, bottom + 1), (right + 1, bottom + 1)], fill=(0, 0, 0), width=4)
    pen.line([(left, bottom), (right, bottom)], fill=_INK, width=2)
    texts = [((left + right) / 2, bottom - 4.0, f"{plane.bar_mm / 10:g} cm", "md")]
    if named:
        middle, edge = PANEL_PX / 2, PANEL_PX - 6.0
        places = ((6.0, middle, "lm"), (edge, middle, "rm"), (middle, 4.0, "ma"))
        texts += [(x, y, mark, at) for (x, y, at), mark in zip(places, plane.marks, strict=False)]
        texts.append((6.0, 4.0, plane.name, "la"))
    font = ImageFont.load_default(16)
    for x, y, text, anchor in texts:
        pen.text((x, y), text, _INK, font, anchor, stroke_width=2, stroke_fill=(0, 0, 0))
