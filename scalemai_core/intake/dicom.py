"""DICOM folders: which series they hold, and one series as a volume.

pydicom reads headers and decides the order of the slices; GDCM (through SimpleITK) decodes pixels
and applies the rescale slope. The patient's name is never looked at.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK as sitk  # noqa: N813 - its usual name
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError

from scalemai_core.dicom.segmentation import referenced_series
from scalemai_core.errors import RejectedInput
from scalemai_core.intake.dicom_geometry import SliceStack, stack_geometry
from scalemai_core.intake.file_volume import FileVolume
from scalemai_core.records.base import Record
from scalemai_core.records.scan import CaseInfo, Sex

_PREAMBLE, _MAGIC = 128, b"DICM"
_INDEX = "DICOMDIR"
_TAGS = [
    "Modality",
    "ImageType",
    "NumberOfFrames",
    "SeriesInstanceUID",
    "SeriesNumber",
    "PatientID",
    "PatientSex",
    "PatientAge",
    "Rows",
    "Columns",
    "PixelSpacing",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "FrameOfReferenceUID",
    "ReferencedSeriesSequence",
]
_SEGMENTATION = "SEG"
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


class SeriesIdentity(Record):
    """What a segmentation knows a series by."""

    series: str
    frame_of_reference: str


class Series(Record):
    """The slices of one series in one folder, and what their headers say of the patient."""

    folder: Path
    number: str
    slices: tuple[Path, ...]
    info: CaseInfo
    identity: SeriesIdentity
    drawn_on: SeriesIdentity | None = None
    """Of a segmentation: the series that it says it belongs to."""


def is_dicom(path: Path) -> bool:
    """Whether the file carries the DICOM mark after its preamble."""
    try:
        with path.open("rb") as file:
            return file.read(_PREAMBLE + len(_MAGIC))[_PREAMBLE:] == _MAGIC
    except OSError:
        return False


def find_series(folder: Path) -> tuple[Series, ...]:
    """All series below a folder, one for each folder and series identifier; reads headers alone."""
    slices: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    first: dict[tuple[Path, str], Any] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if not is_dicom(path) or path.name.upper() == _INDEX:
            continue
        # A damaged header has no series: its file becomes a case that is rejected, not lost.
        header = _header(path)
        key = (path.parent, str(header.get("SeriesInstanceUID") or ""))
        slices[key].append(path)
        first.setdefault(key, header)
    return tuple(
        Series(
            folder=key[0],
            number=str(first[key].get("SeriesNumber") or ""),
            slices=tuple(slices[key]),
            info=_info(first[key]),
            identity=_identity(first[key]),
            drawn_on=_drawn_on(first[key]),
        )
        for key in sorted(slices)
    )


def read_identity(path: Path) -> SeriesIdentity:
    """Which series a slice belongs to."""
    return _identity(_header(path))


def _identity(header: Any) -> SeriesIdentity:
    return SeriesIdentity(
        series=str(header.get("SeriesInstanceUID") or ""),
        frame_of_reference=str(header.get("FrameOfReferenceUID") or ""),
    )


def _drawn_on(header: Any) -> SeriesIdentity | None:
    if header.get("Modality") != _SEGMENTATION:
        return None
    named = referenced_series(header)
    return SeriesIdentity(
        series=named[0] if len(named) == 1 else "",
        frame_of_reference=str(header.get("FrameOfReferenceUID") or ""),
    )


def read_series(paths: Iterable[Path]) -> FileVolume:
    """One series as a volume, slices sorted along their normal; raises RejectedInput."""
    headers = [(path, _header(path)) for path in paths]
    for path, header in headers:
        _check_slice(path, header)
    stack = SliceStack(
        paths=tuple(path for path, _ in headers),
        rows_columns=[(int(h.Rows), int(h.Columns)) for _, h in headers],
        spacing_mm=np.array([h.PixelSpacing for _, h in headers], dtype=np.float64),
        directions=np.array([h.ImageOrientationPatient for _, h in headers], dtype=np.float64),
        positions_mm=np.array([h.ImagePositionPatient for _, h in headers], dtype=np.float64),
    )
    order, affine = stack_geometry(stack)
    return FileVolume(raw_xyz=_pixels([stack.paths[index] for index in order]), affine=affine)


def _header(path: Path) -> Any:
    """The tags of interest; empty where the file is damaged before they end."""
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
        deque(header.iterall(), maxlen=0)  # values are parsed when looked at, and fail only then
    except (InvalidDicomError, OSError, EOFError, ValueError, NotImplementedError):
        return pydicom.Dataset()
    return header


def _check_slice(path: Path, header: Any) -> None:
    if "SeriesInstanceUID" not in header:
        raise RejectedInput(
            "unreadable", f"{path} cannot be read as DICOM", "Export the series again."
        )
    if header.get("Modality") == _SEGMENTATION:
        raise RejectedInput(
            "segmentation_of_another_series",
            f"{path} is a segmentation of a series that is not here",
            "Offer it in one folder with the CT series that it was drawn on.",
        )
    image_type = [str(word).upper() for word in header.get("ImageType") or ()]
    if header.get("Modality") != "CT" or "LOCALIZER" in image_type:
        what = "a localizer" if "LOCALIZER" in image_type else f"modality {header.get('Modality')}"
        raise RejectedInput("not_ct", f"{path} is {what}, not CT", "Offer the CT series alone.")
    if int(header.get("NumberOfFrames") or 1) > 1:
        raise RejectedInput(
            "dicom_multiframe",
            f"{path} holds many frames in one file",
            "Convert it to single-frame DICOM or to NIfTI, e.g. with dcm2niix.",
        )
    needed = ("Rows", "Columns", "PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient")
    missing = [tag for tag in needed if not header.get(tag)]
    if missing:
        raise RejectedInput(
            "dicom_no_geometry",
            f"{path} has no {', '.join(missing)}",
            "Export the original series: these tags are part of every CT image.",
        )


def _pixels(paths: list[Path]) -> NDArray[Any]:
    """Rescaled voxels in (column, row, slice) order; widened only where a later slice needs it."""
    first_yx = _slice_pixels(paths[0])
    raw_zyx = np.empty((len(paths), *first_yx.shape), first_yx.dtype)
    raw_zyx[0] = first_yx
    for index, path in enumerate(paths[1:], start=1):
        pixels_yx = _slice_pixels(path)
        raw_zyx = raw_zyx.astype(np.promote_types(raw_zyx.dtype, pixels_yx.dtype), copy=False)
        raw_zyx[index] = pixels_yx
    return raw_zyx.transpose(2, 1, 0)


def _slice_pixels(path: Path) -> NDArray[Any]:
    try:
        pixels: NDArray[Any] = sitk.GetArrayFromImage(
            sitk.ReadImage(str(path), imageIO="GDCMImageIO")
        )
    except RuntimeError as error:
        raise RejectedInput(
            "truncated_file",
            f"the pixels of {path} end too early or cannot be decoded",
            "Copy or export the series again.",
        ) from error
    if pixels.shape[0] != 1 or pixels.ndim != 3:  # noqa: PLR2004 - one slice, rows, columns
        raise RejectedInput(
            "not_scalar",
            f"{path} holds colours, not Hounsfield units",
            "Offer the CT series alone.",
        )
    return pixels[0]


def _info(header: Any) -> CaseInfo:
    sex = str(header.get("PatientSex") or "")
    return CaseInfo(
        patient=str(header.get("PatientID") or "").strip() or None,
        sex=Sex(sex) if sex in tuple(Sex) else None,
        age_years=age_years(str(header.get("PatientAge") or "")),
    )


def age_years(text: str) -> float | None:
    """Years of a DICOM age string (``063Y``, ``018M``); None where there is none."""
    number, unit = text.strip()[:-1], text.strip()[-1:]
    if not number.isdigit() or unit not in _YEARS:
        return None
    return int(number) * _YEARS[unit]
