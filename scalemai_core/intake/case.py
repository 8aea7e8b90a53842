"""One case of a source: the files that make it up, and what was read from them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from scalemai_core.records.annotation import State
from scalemai_core.records.base import Record
from scalemai_core.records.finding import Finding
from scalemai_core.records.grid import Affine, Grid
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.records.scan import CaseInfo


class ImageKind(StrEnum):
    """How the image is stored."""

    FILE = "file"
    """One NIfTI, NRRD or MetaImage file."""
    DICOM = "dicom"
    """The slices of one series."""


class MaskFile(Record):
    """A binary mask of one label; every voxel that is not 0 belongs to it."""

    path: Path
    label: str


class LabelMapFile(Record):
    """Integer codes of many labels in one file."""

    path: Path
    codes: tuple[tuple[str, tuple[int, ...]], ...] | None = None
    """Label to its codes, as a description beside the file says; None: the file says it itself."""


class CaseFiles(Record):
    """Where one case lies; small enough to travel to whichever task reads it."""

    case: str
    source: str
    kind: ImageKind
    image: tuple[Path, ...]
    """One file, or the slices of a DICOM series in any order."""
    masks: tuple[MaskFile, ...] = ()
    label_map: LabelMapFile | None = None
    segmentations: tuple[Path, ...] = ()
    """DICOM segmentations of this series."""
    info: CaseInfo = CaseInfo()

    @property
    def path(self) -> Path:
        """What to show a person: the image file, or the folder of a series."""
        return self.image[0] if self.kind is ImageKind.FILE else self.image[0].parent

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file of the case."""
        coded = (self.label_map.path,) if self.label_map else ()
        return (*self.image, *(mask.path for mask in self.masks), *coded, *self.segmentations)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeCase:
    """One case in canonical axis order, its labels composed into layers."""

    case: str
    source: str
    image_zyx: ImageZYX
    grid: Grid
    source_axes: str
    """Axis codes of the image file, for giving it back as it came."""
    source_affine: Affine
    """RAS affine of the image file, number for number."""
    info: CaseInfo
    labels: dict[Layer, LabelsZYX]
    """Only the layers in which the source says something."""
    states: dict[str, State]
    """Structures the source says something about; any other is unknown."""
    findings: tuple[Finding, ...]
