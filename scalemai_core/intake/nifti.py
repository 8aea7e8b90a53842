"""NIfTI files: raw voxels, RAS affine and the label names that some of them carry."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from scalemai_core.errors import RejectedInput
from scalemai_core.intake.file_volume import FileVolume, named, squeezed
from scalemai_core.records.finding import Finding, Severity

_ENDINGS = (".nii.gz", ".nii")
_FIRST_BLOCK = 1024


def is_nifti(path: Path) -> bool:
    """Whether the name is that of a NIfTI file."""
    return path.name.lower().endswith(_ENDINGS)


def read_nifti(path: Path) -> FileVolume:
    """Read one 3-D volume; raises RejectedInput naming the file."""
    image = _open(path)
    header = image.header
    if header.get_data_dtype().fields is not None or header.get_data_dtype().kind == "c":
        raise RejectedInput(
            "not_scalar",
            f"{path}: voxels are {header.get_data_dtype()}, not single numbers",
            "Export the Hounsfield units or label codes, not a coloured rendering.",
        )
    with named(path):
        raw_xyz = squeezed(_voxels(image, path))
    return FileVolume(
        raw_xyz=raw_xyz,
        affine=np.array(image.affine, dtype=np.float64),
        slope=float(image.dataobj.slope),
        intercept=float(image.dataobj.inter),
        label_codes=_label_table(image),
        findings=_orientation_findings(header, path),
    )


def _open(path: Path) -> Any:
    try:
        return nib.load(path, mmap=False)  # pyright: ignore[reportPrivateImportUsage]
    except (EOFError, zlib.error) as error:
        raise _truncated(path, error) from error
    except (ImageFileError, HeaderDataError, gzip.BadGzipFile) as error:
        _check_compression(path)
        raise RejectedInput(
            "not_an_image",
            f"{path} is not a NIfTI file: {error}",
            "Check what the file is; convert it to NIfTI if it is an image.",
        ) from error
    except OSError as error:
        raise RejectedInput(
            "unreadable",
            f"{path} cannot be read: {error}",
            "Check that it exists and its permissions.",
        ) from error


def _check_compression(path: Path) -> None:
    """nibabel calls a compressed file that ends within its first block unknown, not truncated."""
    if path.name.endswith(".gz"):
        try:
            with gzip.open(path) as file:
                file.read(_FIRST_BLOCK)
        except gzip.BadGzipFile:
            return
        except (EOFError, zlib.error) as error:
            raise _truncated(path, error) from error


def _voxels(image: Any, path: Path) -> NDArray[Any]:
    """Stored values without slope, so that a large scan is not held as float64."""
    try:
        return cast("NDArray[Any]", image.dataobj.get_unscaled())
    except (EOFError, zlib.error, OSError, ValueError) as error:
        raise _truncated(path, error) from error


def _truncated(path: Path, error: Exception) -> RejectedInput:
    return RejectedInput(
        "truncated_file",
        f"{path} ends too early or is damaged: {error}",
        "Copy or download it again.",
    )


def _label_table(image: Any) -> tuple[tuple[str, int, int], ...] | None:
    """Names from the XML label table in a header extension (Connectome Workbench's format)."""
    for extension in image.header.extensions:
        content = bytes(extension.get_content()).strip(b"\x00 \n")
        if b"<LabelTable" not in content:
            continue
        try:
            tree = ElementTree.fromstring(content)
        except ElementTree.ParseError:
            continue
        return tuple(
            ((label.text or "").strip(), 0, int(label.get("Key", "0")))
            for label in tree.iter("Label")
        )
    return None


def _orientation_findings(header: Any, path: Path) -> tuple[Finding, ...]:
    if int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0:
        return ()
    finding = Finding(
        rule="no_orientation",
        structure="",
        severity=Severity.DOUBT,
        value=0.0,
        limit=1.0,
        unit="code",
        message=f"{path} has neither sform nor qform: left and right are a guess",
    )
    return (finding,)
