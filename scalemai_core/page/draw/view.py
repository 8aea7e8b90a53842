"""Where a plane of a scan lies in a square picture, in radiological convention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scalemai_core.page.draw.contour import Points

MARGIN_MM = 30.0
"""Shown around the structure."""

_Scalar = TypeVar("_Scalar", bound=np.generic)
_BARS_MM = (10.0, 20.0, 50.0, 100.0)
_BAR_SHARE = 0.3

# Name, axis it cuts across, axes of its rows and columns, sides: left, right, top, bottom.
_PLANES = (
    ("axial", 0, 1, 2, "RLAP"),
    ("coronal", 1, 0, 2, "RLHF"),
    ("sagittal", 2, 0, 1, "APHF"),
)


@dataclass(frozen=True, slots=True)
class View:
    """A square of one plane.

    Canonical axes run to superior, anterior and right, and pictures run from head to feet, from
    anterior to posterior and from the patient's right to the left: every axis is turned round.
    """

    name: str
    axis: int
    index: int
    marks: str
    """Sides of the patient: left, right, top, bottom."""
    extent_mm: tuple[float, float]
    """Width and height of the whole plane."""
    spacing_mm: tuple[float, float]
    """Of columns and rows."""
    corner_mm: tuple[float, float]
    """Left upper corner of the square in the turned plane; may lie outside of it."""
    focus_mm: tuple[float, float]
    px_per_mm: float
    panel_px: int

    def cut(self, array_zyx: NDArray[_Scalar]) -> NDArray[_Scalar]:
        """The whole plane as rows and columns of the picture."""
        plane: NDArray[_Scalar] = np.take(array_zyx, self.index, axis=self.axis)
        return plane[::-1, ::-1]

    def place(self, plane: NDArray[np.uint8]) -> Image.Image:
        """The square of a cut plane, resampled; black outside of the scan."""
        side_mm = self.panel_px / self.px_per_mm
        low = [max(0.0, corner) for corner in self.corner_mm]
        high = [
            min(extent, corner + side_mm)
            for extent, corner in zip(self.extent_mm, self.corner_mm, strict=True)
        ]
        left, top = (
            round((a - corner) * self.px_per_mm)
            for a, corner in zip(low, self.corner_mm, strict=True)
        )
        width, height = (
            max(1, round((b - a) * self.px_per_mm)) for a, b in zip(low, high, strict=True)
        )
        column_mm, row_mm = self.spacing_mm
        box = (low[0] / column_mm, low[1] / row_mm, high[0] / column_mm, high[1] / row_mm)
        panel = Image.new("L", (self.panel_px, self.panel_px))
        source = Image.fromarray(np.ascontiguousarray(plane))
        panel.paste(source.resize((width, height), Image.Resampling.BILINEAR, box), (left, top))
        return panel

    def to_px(self, points: Points) -> Points:
        """Column and row index in a cut plane to pixels of the square."""
        middle_mm = (points + 0.5) * np.array(self.spacing_mm)
        return (middle_mm - np.array(self.corner_mm)) * self.px_per_mm

    @property
    def focus_px(self) -> tuple[float, float]:
        """Column and row of the point that all three planes share."""
        column, row = (
            (focus - corner) * self.px_per_mm
            for focus, corner in zip(self.focus_mm, self.corner_mm, strict=True)
        )
        return (column, row)

    @property
    def bar_mm(self) -> float:
        """A round length that fits as a scale bar."""
        side_mm = self.panel_px / self.px_per_mm
        return max((mm for mm in _BARS_MM if mm <= _BAR_SHARE * side_mm), default=_BARS_MM[0])


def views(
    masks: Sequence[NDArray[np.bool_]],
    focus_zyx: tuple[int, int, int],
    spacing_mm_zyx: tuple[float, float, float],
    shape_zyx: tuple[int, ...],
    panel_px: int,
) -> Iterator[View]:
    """Axial, coronal and sagittal view of what the masks hold and ``MARGIN_MM`` around it."""
    spans = [
        _span_mm(masks, axis, size, spacing)
        for axis, (size, spacing) in enumerate(zip(shape_zyx, spacing_mm_zyx, strict=True))
    ]
    extents = [size * spacing for size, spacing in zip(shape_zyx, spacing_mm_zyx, strict=True)]
    for name, axis, row, column, marks in _PLANES:
        needed = max(spans[side][1] - spans[side][0] for side in (row, column))
        side_mm = min(needed + 2 * MARGIN_MM, max(extents[row], extents[column]))
        yield View(
            name=name,
            axis=axis,
            index=focus_zyx[axis],
            marks=marks,
            extent_mm=(extents[column], extents[row]),
            spacing_mm=(spacing_mm_zyx[column], spacing_mm_zyx[row]),
            corner_mm=(
                _corner_mm(spans[column], side_mm, extents[column]),
                _corner_mm(spans[row], side_mm, extents[row]),
            ),
            focus_mm=(
                extents[column] - (focus_zyx[column] + 0.5) * spacing_mm_zyx[column],
                extents[row] - (focus_zyx[row] + 0.5) * spacing_mm_zyx[row],
            ),
            px_per_mm=panel_px / side_mm,
            panel_px=panel_px,
        )


def _span_mm(
    masks: Sequence[NDArray[np.bool_]], axis: int, size: int, spacing_mm: float
) -> tuple[float, float]:
    """From where to where any mask reaches along one axis, in the turned direction."""
    others = tuple(other for other in range(3) if other != axis)
    touched = np.zeros(size, dtype=np.bool_)
    for mask_zyx in masks:
        touched |= mask_zyx.any(axis=others)
    found = np.flatnonzero(touched[::-1])
    if found.size == 0:
        return (0.0, size * spacing_mm)
    return (float(found[0]) * spacing_mm, float(found[-1] + 1) * spacing_mm)


def _corner_mm(span_mm: tuple[float, float], side_mm: float, extent_mm: float) -> float:
    """Start of a window that is centred on the span and shows as much of the scan as possible."""
    if extent_mm <= side_mm:
        return (extent_mm - side_mm) / 2
    centred = (span_mm[0] + span_mm[1] - side_mm) / 2
    return min(max(centred, 0.0), extent_mm - side_mm)
