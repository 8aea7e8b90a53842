"""Pictures of one structure in one scan: three planes, clean above, outlined below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from scalemai_core.page.draw.contour import dashes, loops
from scalemai_core.page.draw.focus import Mask, focus
from scalemai_core.page.draw.view import View, views
from scalemai_core.records.label_map import ImageZYX

_Color = tuple[int, int, int]

PANEL_PX = 360
"""Side of one plane; pages show the picture at half its size, so that it is crisp at 2x."""
GAP_PX = 4
FOOTER_PX = 36
PICTURE_PX = (3 * PANEL_PX + 2 * GAP_PX, 2 * PANEL_PX + GAP_PX + FOOTER_PX)
"""Width and height of every picture."""

_BACKGROUND: _Color = (14, 16, 20)
_INK: _Color = (214, 219, 226)
_TICK: _Color = (96, 220, 130)
_MAX_BYTES = 150_000
_MAX_COLORS = 256
_GRAY_LEVELS = (64, 40, 28, 20, 14, 10)
_FINE_LINES = 2
"""Lines are drawn this much larger and shrunk, which smooths them."""
_TINT = 0.17
_LINE_PX = 3
_DASH_PX = (11.0, 8.0)


@dataclass(frozen=True, slots=True)
class Outline:
    """A mask to be drawn as a thin line."""

    name: str
    mask_zyx: Mask
    color: str
    """Any CSS colour."""
    dashed: bool = False


def draw_example(
    image_zyx: ImageZYX,
    spacing_mm_zyx: tuple[float, float, float],
    outlines: Sequence[Outline],
    window_hu: tuple[float, float] = (-160.0, 240.0),
) -> bytes:
    """Axial, coronal and sagittal plane through the largest disagreement of the first two outlines.

    Where they do not differ, the planes go through the thickest part of what is outlined. The
    patient's right is on the picture's left. Returns a PNG of ``PICTURE_PX``.
    """
    masks = [outline.mask_zyx for outline in outlines]
    focus_zyx = focus(masks, spacing_mm_zyx, image_zyx.shape)
    picture = Image.new("RGB", PICTURE_PX, _BACKGROUND)
    for column, view in enumerate(
        views(masks, focus_zyx, spacing_mm_zyx, image_zyx.shape, PANEL_PX)
    ):
        clean = _clean(view, image_zyx, window_hu)
        outlined = _outlined(view, clean, outlines)
        for row, panel in enumerate((clean, outlined)):
            _annotate(panel, view)
            picture.paste(panel, (column * (PANEL_PX + GAP_PX), row * (PANEL_PX + GAP_PX)))
    _legend(picture, outlines)
    return _png(picture, [outline.color for outline in outlines])


def _clean(view: View, image_zyx: ImageZYX, window_hu: tuple[float, float]) -> Image.Image:
    low, high = window_hu
    gray = np.clip((view.cut(image_zyx).astype(np.float32) - low) / (high - low), 0, 1)
    return view.place((255 * gray).astype(np.uint8)).convert("RGB")


def _outlined(view: View, clean: Image.Image, outlines: Sequence[Outline]) -> Image.Image:
    panel = clean.copy()
    cuts = [view.cut(outline.mask_zyx) for outline in outlines]
    if len(outlines) > 1:
        for own, other, outline in zip(cuts[:2], cuts[1::-1], outlines[:2], strict=True):
            tint = view.place((255 * _TINT * (own & ~other)).astype(np.uint8))
            panel.paste(outline.color, (0, 0, *panel.size), tint)
    for cut, outline in zip(cuts, outlines, strict=True):
        panel.paste(outline.color, (0, 0, *panel.size), _lines(view, cut, dashed=outline.dashed))
    return panel


def _lines(view: View, cut: Mask, *, dashed: bool) -> Image.Image:
    """Opacity of a mask's outline in a panel."""
    fine = Image.new("L", (PANEL_PX * _FINE_LINES, PANEL_PX * _FINE_LINES))
    pen = ImageDraw.Draw(fine)
    for loop in loops(cut):
        points = view.to_px(loop) * _FINE_LINES
        on, off = (length * _FINE_LINES for length in _DASH_PX)
        for piece in dashes(points, on, off) if dashed else [points]:
            path = [(float(x), float(y)) for x, y in piece]
            pen.line(path, fill=255, width=_LINE_PX * _FINE_LINES, joint="curve")
    return fine.reduce(_FINE_LINES)


def _annotate(panel: Image.Image, view: View) -> None:
    """Name of the plane, sides of the patient, where the other planes cut, and a scale bar."""
    pen = ImageDraw.Draw(panel)
    middle, edge = PANEL_PX / 2, PANEL_PX - 7
    _write(pen, (8, 6), view.name, "la", 20)
    places = (
        ((8, middle), "lm"),
        ((edge, middle), "rm"),
        ((middle, 5), "ma"),
        ((middle, edge), "md"),
    )
    for (place, anchor), mark in zip(places, view.marks, strict=True):
        _write(pen, place, mark, anchor, 20)
    column, row = view.focus_px
    for start, stop in ((0, 10), (PANEL_PX - 11, PANEL_PX - 1)):
        pen.line([(column, start), (column, stop)], fill=_TICK, width=2)
        pen.line([(start, row), (stop, row)], fill=_TICK, width=2)
    bar_mm = view.bar_mm
    right, bottom = PANEL_PX - 12, PANEL_PX - 12
    left = right - bar_mm * view.px_per_mm
    pen.line([(left - 1, bottom + 1), (right + 1, bottom + 1)], fill=(0, 0, 0), width=5)
    pen.line([(left, bottom), (right, bottom)], fill=_INK, width=3)
    _write(pen, ((left + right) / 2, bottom - 5), f"{bar_mm / 10:g} cm", "md", 18)


def _write(
    pen: ImageDraw.ImageDraw, place: tuple[float, float], text: str, anchor: str, size: int
) -> None:
    font = ImageFont.load_default(size)
    pen.text(
        place, text, fill=_INK, font=font, anchor=anchor, stroke_width=2, stroke_fill=(0, 0, 0)
    )


def _legend(picture: Image.Image, outlines: Sequence[Outline]) -> None:
    """One line sample and name for each outline, in the strip below the planes."""
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(21)
    left, middle = 8.0, PICTURE_PX[1] - FOOTER_PX / 2
    for outline in outlines:
        starts = (0, 18, 36) if outline.dashed else (0,)
        for start in starts:
            length = 12 if outline.dashed else 48
            ends = [(left + start, middle), (left + start + length, middle)]
            pen.line(ends, fill=outline.color, width=4)
        name = outline.name.replace("\u00a0", " ")  # the font has no such glyph
        pen.text((left + 58, middle), name, fill=_INK, font=font, anchor="lm")
        left += 58 + font.getlength(outline.name) + 36


def _png(picture: Image.Image, colors: Sequence[str]) -> bytes:
    """With the most gray levels whose file is small enough; a page carries a dozen pictures."""
    data = b""
    for levels in _GRAY_LEVELS:
        file = BytesIO()
        palette = _palette(levels, [ImageColor.getrgb(color)[:3] for color in colors])
        picture.quantize(palette=palette, dither=Image.Dither.NONE).save(file, "PNG")
        data = file.getvalue()
        if len(data) <= _MAX_BYTES:
            break
    return data


def _palette(levels: int, colors: Sequence[tuple[int, ...]]) -> Image.Image:
    """Grays, and every colour as tint and as line over them; fitted palettes lose thin lines."""
    grays = np.repeat(np.linspace(0, 255, levels)[:, None], 3, axis=1)
    entries = [np.array([_BACKGROUND, _INK, _TICK]), grays]
    for color in colors:
        line = np.array(color, dtype=np.float64)
        entries.append((1 - _TINT) * grays[::2] + _TINT * line)
        coarse = grays[:: levels // 4]
        entries.extend((1 - opacity) * coarse + opacity * line for opacity in (0.35, 0.7, 1.0))
    palette = Image.new("P", (1, 1))
    flat = np.concatenate(entries).round().astype(np.uint8)[:_MAX_COLORS]
    palette.putpalette(flat.tobytes())
    return palette
