"""Arrays back to NIfTI files in the orientation of the file they came from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from scalemai_core.volume.orientation import from_canonical


def write_nifti(
    path: Path,
    array_zyx: NDArray[Any],
    source_axes: str,
    source_affine: Sequence[Sequence[float]],
) -> None:
    """Write a canonical array in its source's axis order, dtype kept and values unscaled.

    Both sform and qform are set, since readers differ in which they believe; the header's float32
    is the only loss.
    """
    array_xyz, affine = from_canonical(array_zyx, source_axes, np.array(source_affine))
    image = nib.Nifti1Image(array_xyz, affine)  # pyright: ignore[reportPrivateImportUsage]
    image.header.set_xyzt_units("mm")
    image.set_qform(affine, code="scanner")
    image.set_sform(affine, code="scanner")
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)  # pyright: ignore[reportPrivateImportUsage]
