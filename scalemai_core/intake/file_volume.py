"""A volume as its file holds it: file order, raw values, nothing interpreted but the header."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.errors import RejectedInput
from scalemai_core.records.finding import Finding

NUM_AXES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVolume:
    """Voxels in file order with the affine that maps their (x, y, z) index to RAS mm."""

    raw_xyz: NDArray[Any]
    """Stored values; label layers that may overlap stand in a fourth axis."""
    affine: NDArray[np.float64]
    slope: float = 1.0
    """HU are ``raw * slope + intercept``."""
    intercept: float = 0.0
    label_codes: tuple[tuple[str, int, int], ...] | None = None
    """Label, layer of the fourth axis, code, where the file names its labels."""
    findings: tuple[Finding, ...] = field(default=())


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Put the file's name into rejections that came from code which knows no files."""
    try:
        yield
    except RejectedInput as error:
        raise RejectedInput(error.reason, f"{path}: {error}", error.remedy) from error


def squeezed(array: NDArray[Any]) -> NDArray[Any]:
    """Drop axes of length one beyond the third; raises RejectedInput where one is longer."""
    if array.size == 0:
        raise RejectedInput("empty", "the file holds no voxels", "Export the scan again.")
    if array.ndim < NUM_AXES or any(size != 1 for size in array.shape[NUM_AXES:]):
        raise RejectedInput(
            "wrong_dimensions",
            f"expected one volume with three axes, found shape {array.shape}",
            "Split the file into one file a volume.",
        )
    return array.reshape(array.shape[:NUM_AXES])
