"""NRRD and MetaImage files, whose LPS directions become RAS by exact sign changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its usual name
from numpy.typing import NDArray

from scalemai_core.errors import RejectedInput
from scalemai_core.intake.file_volume import NUM_AXES, FileVolume, named, squeezed

_ENDINGS = (".nrrd", ".nhdr", ".mha", ".mhd")


def is_itk(path: Path) -> bool:
    """Whether the name is that of an NRRD or MetaImage file."""
    return path.name.lower().endswith(_ENDINGS)


def read_itk(path: Path) -> FileVolume:
    """Read one 3-D volume; components are kept only as the layers of a ``.seg.nrrd``.

    Raises RejectedInput naming the file.
    """
    image = _open(path)
    metadata = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    label_codes = _segments(metadata)
    num_layers = image.GetNumberOfComponentsPerPixel()
    if num_layers > 1 and label_codes is None:
        raise RejectedInput(
            "not_scalar",
            f"{path}: voxels have {num_layers} components, not single numbers",
            "Export the Hounsfield units or label codes, not a coloured rendering.",
        )
    array: NDArray[Any] = sitk.GetArrayFromImage(image)
    if num_layers > 1:
        raw_xyz = array.transpose(2, 1, 0, 3)
    else:
        with named(path):
            raw_xyz = squeezed(array.T)
    return FileVolume(raw_xyz=raw_xyz, affine=_affine(image), label_codes=label_codes)


def ras_affine(
    directions_lps: NDArray[np.float64],
    spacing_mm_xyz: NDArray[np.float64],
    origin_lps_mm: NDArray[np.float64],
) -> NDArray[np.float64]:
    """4x4 index-to-RAS matrix of direction cosines (columns are axes), spacing and first voxel."""
    affine = np.eye(4)
    affine[:3, :3] = directions_lps * spacing_mm_xyz
    affine[:3, 3] = origin_lps_mm
    affine[:2] *= -1.0
    return affine + 0.0  # turns -0.0 into 0.0


def _open(path: Path) -> sitk.Image:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise _unopened(path) from error
    try:
        return reader.Execute()
    except RuntimeError as error:
        raise RejectedInput(
            "truncated_file",
            f"{path} ends too early or is damaged",
            "Copy or download it again.",
        ) from error


def _unopened(path: Path) -> RejectedInput:
    if not path.is_file():
        return RejectedInput("unreadable", f"{path} cannot be read", "Check that it exists.")
    return RejectedInput(
        "not_an_image",
        f"{path} is not an NRRD or MetaImage file",
        "Check what the file is; convert it to NIfTI if it is an image.",
    )


def _affine(image: sitk.Image) -> NDArray[np.float64]:
    num_axes = image.GetDimension()
    directions = np.array(image.GetDirection()).reshape(num_axes, num_axes)
    return ras_affine(
        directions[:NUM_AXES, :NUM_AXES],
        np.array(image.GetSpacing()[:NUM_AXES]),
        np.array(image.GetOrigin()[:NUM_AXES]),
    )


def _segments(metadata: dict[str, str]) -> tuple[tuple[str, int, int], ...] | None:
    """Segment names of a ``.seg.nrrd``: each has a layer (component) and a value in it."""
    prefixes = [key.removesuffix("_Name") for key in metadata if _is_segment_name(key)]
    if not prefixes:
        return None
    return tuple(
        (
            metadata[f"{prefix}_Name"],
            int(metadata.get(f"{prefix}_Layer", "0")),
            int(metadata.get(f"{prefix}_LabelValue", "1")),
        )
        for prefix in sorted(prefixes)
    )


def _is_segment_name(key: str) -> bool:
    prefix, _, rest = key.partition("_")
    return rest == "Name" and prefix.startswith("Segment") and prefix[7:].isdigit()
