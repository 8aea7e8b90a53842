from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scalemai_core.errors import RejectedInput
from scalemai_core.intake.case import IntakeCase
from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.records.annotation import State
from scalemai_core.records.label_map import Layer
from scalemai_core.taxonomy.label_names import LabelNames

Write = Callable[..., Path]


def taken(source: Path | str, names: LabelNames | None = None) -> IntakeCase:
    (files,) = open_source(str(source)).cases
    return read_case(files, names)


def rejection(source: Path | str, names: LabelNames | None = None) -> RejectedInput:
    with pytest.raises(RejectedInput) as caught:
        taken(source, names)
    assert caught.value.remedy
    return caught.value


def test_labels_in_another_orientation_are_turned(
    tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write, case_folder: Write
) -> None:
    mask = np.random.default_rng(3).integers(0, 2, ct_xyz.shape).astype(np.uint8)
    folder = case_folder({"liver": mask})
    straight = taken(folder)
    stored = nib.load(folder / "segmentations/liver.nii.gz")
    turn = nib.orientations.ornt_transform(
        nib.io_orientation(stored.affine), nib.orientations.axcodes2ornt("SAL")
    )
    nib.save(stored.as_reoriented(turn), folder / "segmentations/liver.nii.gz")
    turned = taken(folder)
    np.testing.assert_array_equal(straight.labels[Layer.ANATOMY], turned.labels[Layer.ANATOMY])


@pytest.mark.parametrize(
    ("shape", "shift_mm"), [((7, 6, 4), 0.0), ((6, 7, 5), 0.0), ((7, 6, 5), 0.2)]
)
def test_labels_on_another_grid_are_rejected_with_numbers(
    ct_xyz: np.ndarray,
    case_folder: Write,
    write_nifti_file: Write,
    shape: tuple[int, int, int],
    shift_mm: float,
) -> None:
    folder = case_folder({})
    affine = nib.load(folder / "ct.nii.gz").affine
    affine[2, 3] += shift_mm
    write_nifti_file("case_1/segmentations/liver.nii.gz", np.ones(shape, np.uint8), affine)
    error = rejection(folder)
    assert error.reason == "label_grid_mismatch"
    assert "liver.nii.gz" in str(error)
    assert ("0.200 mm" if shift_mm else "x".join(map(str, shape))) in str(error)


def test_a_grid_that_differs_by_rounding_is_the_same(
    case_folder: Write, write_nifti_file: Write, ct_xyz: np.ndarray
) -> None:
    folder = case_folder({})
    affine = nib.load(folder / "ct.nii.gz").affine + 1e-4
    affine[3] = [0, 0, 0, 1]
    write_nifti_file("case_1/segmentations/liver.nii.gz", np.ones_like(ct_xyz, np.uint8), affine)
    assert taken(folder).states == {"liver": State.PRESENT}
