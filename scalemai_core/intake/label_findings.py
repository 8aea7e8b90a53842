"""What is worth telling about label files: names nobody knows, overlaps, odd masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from scalemai_core.intake.case import MaskFile
from scalemai_core.records.finding import Finding, Severity
from scalemai_core.records.grid import Grid

_WHAT_TO_DO = "no structure here has these names; map or ignore them in a label map"


def unmapped_masks_finding(masks: Sequence[MaskFile]) -> Finding:
    """Mask files whose names mean nothing to the taxonomy or the source's map."""
    labels = ", ".join(f"'{mask.label}'" for mask in masks)
    message = f"labels {labels} in {masks[0].path.parent} were not taken: {_WHAT_TO_DO}"
    return _finding("unmapped_label", Severity.INFO, len(masks), "labels", message)


def unmapped_codes_finding(path: Path, num_voxels: Mapping[str, int]) -> Finding:
    """Labels of a label map that mean nothing to the taxonomy or the source's map."""
    labels = ", ".join(f"{label} ({count} voxels)" for label, count in num_voxels.items())
    message = f"labels {labels} in {path} were not taken: {_WHAT_TO_DO}"
    return _finding("unmapped_label", Severity.INFO, len(num_voxels), "labels", message)


def mask_finding(mask: MaskFile, inside: NDArray[Any]) -> Finding:
    """A mask with several values, all of which were taken."""
    message = (
        f"the mask {mask.path} holds values from {inside.min()} to {inside.max()}; "
        "all above one half count as inside"
    )
    return _finding("mask_not_binary", Severity.DOUBT, inside.size, "voxels", message)


def no_information_finding(path: Path, num_voxels: int) -> Finding:
    """Voxels about which the source says nothing."""
    message = (
        f"{num_voxels} voxels of {path} are marked 'ignore'; structures without a voxel in this "
        "scan are unknown, not absent"
    )
    return _finding("no_information", Severity.DOUBT, num_voxels, "voxels", message)


def overlap_finding(loser: str, winner: str, num_voxels: int, grid: Grid) -> Finding:
    """Voxels that two structures of one layer claimed."""
    mm3 = num_voxels * grid.voxel_ml * 1000.0
    message = f"{num_voxels} voxels ({mm3:.0f} mm3) of {loser} were also {winner}, which keeps them"
    return _finding("overlap", Severity.DOUBT, num_voxels, "voxels", message, structure=loser)


def _finding(
    rule: str, severity: Severity, value: float, unit: str, message: str, structure: str = ""
) -> Finding:
    return Finding(
        rule=rule,
        structure=structure,
        severity=severity,
        value=float(value),
        limit=0.0,
        unit=unit,
        message=message,
    )
