"""Canonical axis order by flips and transposes alone: lossless, and undone exactly.

File order is the order in which a file's affine counts, (x, y, z) index to RAS mm. Canonical arrays
have axes (z, y, x), each as close as a flip and a transpose can bring it to Superior, Anterior,
Right. Nothing is interpolated, so an oblique volume stays oblique.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from scalemai_core.errors import RejectedInput, UsageError
from scalemai_core.records.grid import Grid

Scalar = TypeVar("Scalar", bound=np.generic)

_CODES = ("LR", "PA", "IS")
_MIN_VOLUME = 1e-4
"""Volume of the unit directions' box below which three axes no longer span space."""
_TIE = 1e-3
"""Alignments this close are equal: rounding in a header must not decide at 45 degrees."""


def axis_codes(affine: NDArray[np.float64]) -> str:
    """Letters of the patient directions closest to the three file axes, e.g. ``LPS``.

    The one-to-one assignment of axes with the largest summed direction cosines is taken, so every
    affine that ``check_affine`` accepts has three different letters. Raises RejectedInput.
    """
    return "".join(_CODES[world][int(up)] for world, up in _assignment(affine))


def check_affine(affine: NDArray[np.float64]) -> None:
    """Raise RejectedInput unless the 4x4 matrix places voxels in space."""
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
        raise RejectedInput(
            "bad_spacing",
            f"the affine is not a finite 4x4 matrix: {affine.tolist()}",
            "Rewrite the file with its true spacing, direction and origin.",
        )
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0)
    if not (spacing_mm > 0).all():
        raise RejectedInput(
            "bad_spacing",
            f"a voxel edge has length zero: spacing {spacing_mm.tolist()} mm",
            "Rewrite the file with its true spacing.",
        )
    volume = abs(float(np.linalg.det(affine[:3, :3] / spacing_mm)))
    if volume < _MIN_VOLUME:
        raise RejectedInput(
            "singular_affine",
            f"two axes of the affine point the same way (unit volume {volume:.1e})",
            "Rewrite the file with its true direction cosines.",
        )


def to_canonical(
    array_xyz: NDArray[Scalar], affine: NDArray[np.float64]
) -> tuple[NDArray[Scalar], Grid]:
    """Bring a 3-D array from file order to canonical order: C-contiguous, and its Grid."""
    pairs = _assignment(affine)
    order = sorted(range(3), key=lambda axis: pairs[axis][0])
    canonical_xyz = _flip(array_xyz, tuple(up for _, up in pairs)).transpose(order)
    to_file = np.zeros((4, 4))
    to_file[3, 3] = 1.0
    for canonical_axis, file_axis in enumerate(order):
        up = pairs[file_axis][1]
        to_file[file_axis, canonical_axis] = 1.0 if up else -1.0
        to_file[file_axis, 3] = 0.0 if up else array_xyz.shape[file_axis] - 1.0
    array_zyx = np.ascontiguousarray(canonical_xyz.T)
    return array_zyx, Grid.of(array_zyx.shape, affine @ to_file)


def from_canonical(
    array_zyx: NDArray[Scalar], source_axes: str, source_affine: NDArray[np.float64]
) -> tuple[NDArray[Scalar], NDArray[np.float64]]:
    """Undo ``to_canonical``: the array in file order (a view) and the file's own affine."""
    worlds = _worlds(source_axes)
    ups = tuple(code in "RAS" for code in source_axes)
    return _flip(array_zyx.T.transpose(worlds), ups), np.array(source_affine, dtype=np.float64)


def _worlds(axes: str) -> list[int]:
    worlds = [index for code in axes for index, pair in enumerate(_CODES) if code in pair]
    if len(axes) != len(_CODES) or sorted(worlds) != [0, 1, 2]:
        raise UsageError(f"axis codes '{axes}' do not name three patient directions, e.g. 'LPS'")
    return worlds


def _assignment(affine: NDArray[np.float64]) -> list[tuple[int, bool]]:
    """For each file axis: the patient axis it runs along, and whether it runs up it."""
    check_affine(affine)
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    scores = {
        worlds: sum(abs(float(directions[world, axis])) for axis, world in enumerate(worlds))
        for worlds in permutations(range(3))
    }
    best = max(scores.values())
    worlds = next(worlds for worlds, score in scores.items() if score >= best - _TIE)
    return [(world, bool(directions[world, axis] >= 0)) for axis, world in enumerate(worlds)]


def _flip(array_xyz: NDArray[Scalar], ups: tuple[bool, ...]) -> NDArray[Scalar]:
    steps: Any = tuple(slice(None, None, None if up else -1) for up in ups)
    return array_xyz[steps]
