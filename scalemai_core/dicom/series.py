"""A CT series for a scan whose own headers are not kept: derived, and openly so.

Nothing of the original study is known any more, so every identifier is new and follows from the
scan id: all that is written of one scan, at any time, belongs together.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian
from pydicom.valuerep import DSfloat

from scalemai_core.errors import UsageError
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import ImageZYX
from scalemai_core.records.scan import Scan

MANUFACTURER = "ScaleMAI"
_SKEW = 1e-3
"""Cosine between axes from which a slice is no rectangle any more."""


def derived_uid(*words: str) -> UID:
    """The same for the same words; of UUID form, as the standard allows anybody to make."""
    digest = blake2b("/".join(words).encode(), digest_size=16).digest()
    return UID(f"2.25.{uuid.UUID(bytes=digest, version=5).int}")


def to_slices(array_zyx: NDArray[np.generic]) -> NDArray[np.generic]:
    """Slices from the feet up, rows to the back, columns to the left; undone by itself."""
    return array_zyx[:, ::-1, ::-1]


def slice_headers(scan: Scan) -> tuple[Dataset, ...]:
    """Headers of all slices, without pixels; raises UsageError for a sheared grid."""
    along_mm, across_mm, up_mm = _axes_mm(scan.grid, scan.case)
    first = _first_voxel_mm(scan.grid)
    spacing_mm = np.linalg.norm([across_mm, along_mm], axis=1)
    directions = [*(along_mm / spacing_mm[1]), *(across_mm / spacing_mm[0])]
    headers: list[Dataset] = []
    for index in range(scan.grid.shape_zyx[0]):
        header = _common(scan)
        header.SOPInstanceUID = derived_uid(scan.scan_id, "slice", str(index))
        header.InstanceNumber = index + 1
        header.ImagePositionPatient = _numbers(first + index * up_mm)
        header.ImageOrientationPatient = _numbers(directions)
        header.PixelSpacing = _numbers(spacing_mm)
        header.SliceThickness = _number(float(np.linalg.norm(up_mm)))
        headers.append(header)
    return tuple(headers)


def slice_files(scan: Scan, image_zyx: ImageZYX) -> Iterator[FileDataset]:
    """Single-frame CT images, HU stored as they are."""
    for header, pixels in zip(slice_headers(scan), to_slices(image_zyx), strict=True):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = header.SOPClassUID
        meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        file = FileDataset("", header, file_meta=meta, preamble=b"\0" * 128)
        file.PixelData = np.ascontiguousarray(pixels).astype("<i2").tobytes()
        yield file


def _common(scan: Scan) -> Dataset:
    """What all slices of a scan share."""
    header = Dataset()
    header.SOPClassUID = CTImageStorage
    header.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    header.Modality, header.Manufacturer = "CT", MANUFACTURER
    header.SeriesDescription = "CT as stored, original headers removed"
    header.PatientID, header.PatientName = scan.patient, ""
    header.PatientSex = scan.sex.value if scan.sex else ""
    header.PatientIdentityRemoved = "YES"
    header.DeidentificationMethod = "Only voxels and geometry kept; identifiers made anew"
    for keyword in ("PatientBirthDate", "StudyDate", "StudyTime", "AccessionNumber", "StudyID"):
        setattr(header, keyword, "")
    header.ReferringPhysicianName = ""
    header.StudyInstanceUID = derived_uid(scan.scan_id, "study")
    header.SeriesInstanceUID = derived_uid(scan.scan_id, "series")
    header.FrameOfReferenceUID = derived_uid(scan.scan_id, "frame of reference")
    header.PositionReferenceIndicator = ""
    header.SeriesNumber = 1
    _, header.Rows, header.Columns = scan.grid.shape_zyx
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, 16, 15
    header.PixelRepresentation = 1
    header.RescaleSlope, header.RescaleIntercept, header.RescaleType = 1, 0, "HU"
    header.KVP, header.AcquisitionNumber = None, None
    return header


def _axes_mm(grid: Grid, case: str) -> tuple[NDArray[np.float64], ...]:
    """LPS steps of one column, one row and one slice."""
    steps_mm = grid.matrix[:3, :3] * np.array([[-1.0], [-1.0], [1.0]])
    along_mm, across_mm, up_mm = -steps_mm[:, 0], -steps_mm[:, 1], steps_mm[:, 2]
    cosines = steps_mm / np.linalg.norm(steps_mm, axis=0)
    if np.abs(cosines.T @ cosines - np.eye(3)).max() > _SKEW:
        raise UsageError(f"the voxels of {case} are sheared, which DICOM cannot say: export NIfTI")
    return along_mm, across_mm, up_mm


def _first_voxel_mm(grid: Grid) -> NDArray[np.float64]:
    _, y, x = grid.shape_zyx
    return (grid.matrix @ np.array([x - 1.0, y - 1.0, 0.0, 1.0]))[:3] * np.array([-1.0, -1.0, 1.0])


def _numbers(values: Iterable[float]) -> list[DSfloat]:
    return [_number(float(value)) for value in values]


def _number(value: float) -> DSfloat:
    """Decimal strings hold 16 characters."""
    return cast("DSfloat", DSfloat(value + 0.0, auto_format=True))
