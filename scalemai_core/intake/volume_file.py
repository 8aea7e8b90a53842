"""One door to volume files of every format, by the ending of their name."""

from __future__ import annotations

from pathlib import Path

from scalemai_core.errors import RejectedInput
from scalemai_core.intake.file_volume import FileVolume
from scalemai_core.intake.itk import is_itk, read_itk
from scalemai_core.intake.nifti import is_nifti, read_nifti

ENDINGS = ".nii.gz, .nii, .nrrd, .nhdr, .mha, .mhd"


def is_volume(path: Path) -> bool:
    """Whether the name is that of a volume file."""
    return is_nifti(path) or is_itk(path)


def stem(path: Path) -> str:
    """File name without its ending, ``.nii.gz`` and ``.seg.nrrd`` taken as one ending."""
    name = path.name.removesuffix(".gz")
    return name[: name.rfind(".")].removesuffix(".seg") if "." in name else name


def read_volume(path: Path) -> FileVolume:
    """Read a volume file; raises RejectedInput naming the file."""
    if is_nifti(path):
        return read_nifti(path)
    if is_itk(path):
        return read_itk(path)
    raise RejectedInput(
        "not_an_image", f"{path} is of no known format", f"Offer one of {ENDINGS}, or DICOM."
    )
