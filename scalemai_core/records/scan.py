"""One CT volume and what is known of the patient it shows."""

from __future__ import annotations

from enum import StrEnum

from scalemai_core.records.base import Record
from scalemai_core.records.grid import Grid


class GoldRole(StrEnum):
    """What a trusted patient is used for; the three roles never share a patient."""

    FIT = "fit"
    """Fits experts, thresholds and honeypots."""
    SELECT = "select"
    """Enables, promotes and stops."""
    TEST = "test"
    """Is reported only."""


class Sex(StrEnum):
    """Sex of the patient, where known."""

    FEMALE = "F"
    MALE = "M"


class CaseInfo(Record):
    """What a table beside the files says of one case; every field may be missing."""

    patient: str | None = None
    """The source's own patient name; only its keyed hash is ever stored."""
    sex: Sex | None = None
    age_years: float | None = None
    phase: str | None = None
    """Contrast phase, as written in the source."""
    centre: str | None = None
    report: str | None = None
    """The radiology report's text."""


class Scan(Record):
    """One CT volume, int16 HU, stored once under the hash of its content."""

    scan_id: str
    """Hash of voxels and geometry; the name of the stored volume."""
    patient: str
    """Keyed hash of the patient, or of the scan where no patient is known."""
    case: str
    """The name the source gave it; exported files carry it."""
    source: str
    """Name of the source it came from."""
    grid: Grid
    """Geometry of the stored array, axes in the order closest to RAS."""
    source_axes: str
    """Axis codes of the file it came from (``LPS`` ...): it can be given back as it came."""
    source_affine: tuple[tuple[float, ...], ...]
    """Affine of the file it came from, number for number."""
    fold: int
    """The fold whose model never sees this patient."""
    gold: GoldRole | None = None
    """Role of a trusted patient, None for all others."""
    sex: Sex | None = None
    age_years: float | None = None
    phase: str | None = None
    centre: str | None = None
    report: str | None = None
