"""One case's files to one case in canonical order, or the reason why not."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from scalemai_core.intake.case import CaseFiles, ImageKind, IntakeCase
from scalemai_core.intake.dicom import read_series
from scalemai_core.intake.file_volume import FileVolume, named, squeezed
from scalemai_core.intake.hounsfield import to_hounsfield
from scalemai_core.intake.labels import read_labels
from scalemai_core.intake.volume_file import read_volume
from scalemai_core.records.finding import Finding
from scalemai_core.records.grid import Affine, Grid
from scalemai_core.records.label_map import ImageZYX
from scalemai_core.taxonomy.label_names import LabelNames
from scalemai_core.volume.orientation import axis_codes, check_affine, to_canonical


def read_case(files: CaseFiles, names: LabelNames | None = None) -> IntakeCase:
    """Read image and labels of one case; ``names`` translates labels, else the taxonomy alone does.

    Raises RejectedInput (reason, message naming the file, remedy) where any file of the case cannot
    be taken: nothing is taken by halves.
    """
    volume = _read_image(files)
    with named(files.path):
        image_zyx, grid, findings = _canonical_image(volume)
        source_axes = axis_codes(volume.affine)
    source_affine = _rows(volume.affine)
    findings = (*volume.findings, *findings)
    del volume  # the stored values are not needed while labels are read
    labels = read_labels(files, grid, names)
    return IntakeCase(
        case=files.case,
        source=files.source,
        image_zyx=image_zyx,
        grid=grid,
        source_axes=source_axes,
        source_affine=source_affine,
        info=files.info,
        labels=labels.labels,
        states=labels.states,
        findings=(*findings, *labels.findings),
    )


def _read_image(files: CaseFiles) -> FileVolume:
    if files.kind is ImageKind.DICOM:
        return read_series(files.image)
    return read_volume(files.path)


def _canonical_image(volume: FileVolume) -> tuple[ImageZYX, Grid, tuple[Finding, ...]]:
    squeezed(volume.raw_xyz)
    check_affine(volume.affine)
    image_xyz, findings = to_hounsfield(volume)
    image_zyx, grid = to_canonical(image_xyz, volume.affine)
    return image_zyx, grid, findings


def _rows(affine: NDArray[np.float64]) -> Affine:
    return cast("Affine", tuple(tuple(row) for row in affine.tolist()))
