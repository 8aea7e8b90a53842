"""Stored values to int16 Hounsfield units, and whether they can be a CT at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scalemai_core.errors import RejectedInput
from scalemai_core.intake.file_volume import FileVolume
from scalemai_core.records.finding import Finding, Severity

MAX_LOWEST_HU = -200
"""A volume that lies above this holds no air: MR, a label map, or CT without rescaling."""
_NOT_INTEGER = 1e-3
"""HU between a value and the nearest integer from which rounding is worth a finding."""
_LIMITS = np.iinfo(np.int16)


def to_hounsfield(volume: FileVolume) -> tuple[NDArray[np.int16], tuple[Finding, ...]]:
    """int16 HU in file order, rounded to nearest and clipped, and a finding where either happened.

    Works slab by slab, so nothing wider than the stored values and the result is held. Raises
    RejectedInput for values that are not finite, for a volume without content and for one that is
    no CT.
    """
    raw_xyz = volume.raw_xyz
    if raw_xyz.dtype == np.int16 and (volume.slope, volume.intercept) == (1.0, 0.0):
        _check_ct(raw_xyz)
        return raw_xyz, ()
    image_xyz = np.empty_like(raw_xyz, dtype=np.int16)
    num_rounded, num_clipped = 0, 0
    for index in range(raw_xyz.shape[2]):
        values = raw_xyz[:, :, index].astype(np.float64) * volume.slope + volume.intercept
        if not np.isfinite(values).all():
            raise RejectedInput(
                "non_finite_voxels",
                f"slice {index} of the file's third axis holds NaN or infinity",
                "Export the scan again, or replace such voxels by -1024 if they are padding.",
            )
        rounded = np.rint(values)
        num_rounded += int(np.count_nonzero(np.abs(values - rounded) > _NOT_INTEGER))
        num_clipped += int(np.count_nonzero((rounded < _LIMITS.min) | (rounded > _LIMITS.max)))
        image_xyz[:, :, index] = np.clip(rounded, _LIMITS.min, _LIMITS.max)
    _check_ct(image_xyz)
    return image_xyz, _findings(num_rounded, num_clipped)


def _check_ct(image_xyz: NDArray[np.int16]) -> None:
    lowest, highest = int(image_xyz.min()), int(image_xyz.max())
    if lowest == highest:
        raise RejectedInput(
            "empty", f"every voxel is {lowest}", "Export the scan again: this volume shows nothing."
        )
    if lowest > MAX_LOWEST_HU:
        raise RejectedInput(
            "not_ct",
            f"values run from {lowest} to {highest}, but a CT holds air near -1000 HU",
            "Offer CT in Hounsfield units; apply rescale slope and intercept if they were lost.",
        )


def _findings(num_rounded: int, num_clipped: int) -> tuple[Finding, ...]:
    counts = {
        "rounded_hu": (num_rounded, Severity.INFO, "were not whole HU and were rounded"),
        "clipped_hu": (num_clipped, Severity.DOUBT, "lay outside int16 and were clipped"),
    }
    return tuple(
        Finding(
            rule=rule,
            structure="",
            severity=severity,
            value=float(count),
            limit=0.0,
            unit="voxels",
            message=f"{count} voxels {what}",
        )
        for rule, (count, severity, what) in counts.items()
        if count > 0
    )
