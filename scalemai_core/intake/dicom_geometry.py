"""The order and the affine of a stack of DICOM slices, or why it is no regular volume."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scalemai_core.errors import RejectedInput
from scalemai_core.intake.itk import ras_affine

_MIN_SLICES = 2
_SAME_HEADER = 1e-3
"""Direction cosines and pixel spacing within one series may differ by rounding alone."""
_SAME_PLACE_MM = 0.01
"""Slices closer than this lie in the same place; no CT is reconstructed as finely."""
_MISSING = 1.5
"""Share of the usual gap above which a slice is missing in between."""
_UNEVEN = 0.1
"""Share of the spacing by which a slice may lie off its place in an even stack."""
_ROUNDED_MM = 0.1
"""What it may always lie off, because many scanners round positions to it."""
_TILT = 0.01
"""Sideways shift per mm along the normal from which the stack is sheared (0.6 degrees)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceStack:
    """What the headers of a series say, one row a slice, in any order."""

    paths: tuple[Path, ...]
    rows_columns: list[tuple[int, int]]
    spacing_mm: NDArray[np.float64]
    """(n, 2): between rows, between columns, as PixelSpacing."""
    directions: NDArray[np.float64]
    """(n, 6): ImageOrientationPatient."""
    positions_mm: NDArray[np.float64]
    """(n, 3): ImagePositionPatient, LPS."""


def stack_geometry(stack: SliceStack) -> tuple[list[int], NDArray[np.float64]]:
    """Order along the slice normal, and the affine from (column, row, slice) index to RAS mm.

    Raises RejectedInput where slices differ in size or direction, stand twice, are missing, are
    unevenly spaced, or are shifted sideways by a tilted gantry.
    """
    _check_same(stack)
    along_row, along_column = stack.directions[0, :3], stack.directions[0, 3:]
    normal = np.cross(along_row, along_column)
    heights_mm = stack.positions_mm @ normal
    order = np.argsort(heights_mm, kind="stable").tolist()
    sorted_paths = [stack.paths[index] for index in order]
    _check_spacing(heights_mm[order], sorted_paths)
    first, last = stack.positions_mm[order[0]], stack.positions_mm[order[-1]]
    step_mm = (last - first) / (len(order) - 1)
    _check_tilt(step_mm, normal, sorted_paths[0].parent)
    spacing_mm = float(np.linalg.norm(step_mm))
    between_rows_mm, between_columns_mm = stack.spacing_mm[0]
    affine = ras_affine(
        np.stack([along_row, along_column, step_mm / spacing_mm], axis=1),
        np.array([between_columns_mm, between_rows_mm, spacing_mm]),
        first,
    )
    return order, affine


def _check_same(stack: SliceStack) -> None:
    differs = (
        np.abs(stack.directions - stack.directions[0]).max(axis=1)
        + np.abs(stack.spacing_mm - stack.spacing_mm[0]).max(axis=1)
    ) > _SAME_HEADER
    for index, size in enumerate(stack.rows_columns):
        if differs[index] or size != stack.rows_columns[0]:
            raise RejectedInput(
                "dicom_mixed_series",
                f"{stack.paths[index]} differs from {stack.paths[0].name} in size, pixel spacing "
                "or direction, but says it belongs to the same series",
                "Give each acquisition a folder and a series of its own.",
            )


def _check_spacing(heights_mm: NDArray[np.float64], paths: list[Path]) -> None:
    folder = paths[0].parent
    if len(paths) < _MIN_SLICES:
        raise _missing(f"{paths[0]} is the only slice of its series")
    gaps_mm = np.diff(heights_mm)
    doubled = np.flatnonzero(gaps_mm <= _SAME_PLACE_MM)
    if doubled.size:
        twins = f"{paths[doubled[0]].name} and {paths[doubled[0] + 1].name}"
        raise RejectedInput(
            "dicom_duplicate_slices",
            f"{folder}: {doubled.size} slices lie where another one does, the first {twins}",
            "Remove the copies, or separate the phases that were stored as one series.",
        )
    usual_mm = float(np.median(gaps_mm))
    wide = np.flatnonzero(gaps_mm > _MISSING * usual_mm)
    if wide.size:
        raise _missing(
            f"{folder}: {gaps_mm[wide[0]]:.2f} mm between {paths[wide[0]].name} and "
            f"{paths[wide[0] + 1].name}, usually {usual_mm:.2f} mm"
        )
    even_mm = np.linspace(heights_mm[0], heights_mm[-1], len(paths))
    off_mm = np.abs(heights_mm - even_mm)
    if off_mm.max() > max(_UNEVEN * usual_mm, _ROUNDED_MM):
        worst = int(off_mm.argmax())
        raise _missing(
            f"{folder}: slices are unevenly spaced; {paths[worst].name} lies "
            f"{off_mm[worst]:.2f} mm off its place at a spacing of {usual_mm:.2f} mm"
        )


def _missing(message: str) -> RejectedInput:
    return RejectedInput(
        "dicom_missing_slices", message, "Export the whole series again, in one reconstruction."
    )


def _check_tilt(step_mm: NDArray[np.float64], normal: NDArray[np.float64], folder: Path) -> None:
    height_mm = float(step_mm @ normal)
    sideways_mm = float(np.linalg.norm(step_mm - height_mm * normal))
    if sideways_mm > _TILT * height_mm:
        raise RejectedInput(
            "dicom_gantry_tilt",
            f"{folder}: slices shift sideways by {sideways_mm:.2f} mm each "
            f"({np.degrees(np.arctan2(sideways_mm, height_mm)):.1f} degrees of gantry tilt)",
            "Correct the tilt first, e.g. with dcm2niix, and offer the result.",
        )
