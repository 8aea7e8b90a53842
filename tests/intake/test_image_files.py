from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual name

from scalemai_core.errors import RejectedInput
from scalemai_core.intake.case import IntakeCase
from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.intake.writer import write_nifti

Write = Callable[..., Path]


def taken(path: Path) -> IntakeCase:
    (files,) = open_source(str(path)).cases
    return read_case(files)


def rejection(path: Path) -> RejectedInput:
    """The rejection of a source's only case, which must name the file and offer a remedy."""
    with pytest.raises(RejectedInput) as caught:
        taken(path)
    assert path.name in str(caught.value)
    assert caught.value.remedy
    return caught.value


def ras(values_xyz: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """The reference: nibabel's closest canonical array, as ``_zyx``."""
    image = nib.as_closest_canonical(nib.Nifti1Image(values_xyz, affine))
    return np.asanyarray(image.dataobj).T


def test_an_image_arrives_in_canonical_order_and_goes_back_voxel_for_voxel(
    tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write
) -> None:
    path = write_nifti_file("a.nii.gz", ct_xyz)
    case = taken(path)
    source = nib.load(path)
    np.testing.assert_array_equal(case.image_zyx, ras(ct_xyz, source.affine))
    assert case.image_zyx.dtype == np.int16
    assert case.source_axes == "LPS"
    assert case.labels == {}
    assert case.states == {}
    assert case.findings == ()
    write_nifti(tmp_path / "out" / "b.nii.gz", case.image_zyx, case.source_axes, case.source_affine)
    back = nib.load(tmp_path / "out" / "b.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(back.dataobj), ct_xyz)
    assert back.get_data_dtype() == np.int16
    assert (back.affine == source.affine).all()
    assert (back.header["sform_code"], back.header["qform_code"]) == (1, 1)


def test_label_maps_are_written_as_uint8(tmp_path: Path) -> None:
    labels_zyx = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    write_nifti(tmp_path / "l.nii.gz", labels_zyx, "RAS", np.eye(4).tolist())
    written = nib.load(tmp_path / "l.nii.gz")
    assert written.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asanyarray(written.dataobj).T, labels_zyx)


@pytest.mark.parametrize("ending", ["nrrd", "mha", "mhd"])
def test_every_format_gives_the_same_case(
    tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write, ending: str
) -> None:
    nifti = write_nifti_file("a.nii.gz", ct_xyz)
    sitk.WriteImage(sitk.ReadImage(str(nifti)), str(tmp_path / f"a.{ending}"))
    one, other = taken(nifti), taken(tmp_path / f"a.{ending}")
    np.testing.assert_array_equal(one.image_zyx, other.image_zyx)
    np.testing.assert_allclose(one.grid.matrix, other.grid.matrix, atol=1e-4)
    assert one.source_axes == other.source_axes


def test_scaled_and_fractional_values_become_whole_hu_with_a_finding(
    tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write
) -> None:
    path = write_nifti_file("a.nii.gz", ct_xyz.astype(np.float32) + np.float32(0.25))
    case = taken(path)
    np.testing.assert_array_equal(case.image_zyx, ras(ct_xyz, nib.load(path).affine))
    assert [(f.rule, f.value) for f in case.findings] == [("rounded_hu", ct_xyz.size)]

    header = nib.Nifti1Header()
    header.set_data_dtype(np.uint16)
    header.set_slope_inter(2.0, -1000.0)
    scaled = nib.Nifti1Image(ct_xyz.clip(-1000) // 2 * 2, nib.load(path).affine, header)
    nib.save(scaled, tmp_path / "scaled.nii")
    case = taken(tmp_path / "scaled.nii")
    np.testing.assert_array_equal(
        case.image_zyx, ras(ct_xyz.clip(-1000) // 2 * 2, nib.load(path).affine)
    )
    assert case.findings == ()


def test_values_beyond_int16_are_clipped_with_a_finding(
    ct_xyz: np.ndarray, write_nifti_file: Write
) -> None:
    wide = ct_xyz.astype(np.int32)
    wide[1, 1, :2] = [70_000, -70_000]
    case = taken(write_nifti_file("a.nii.gz", wide))
    assert (case.image_zyx.min(), case.image_zyx.max()) == (-32768, 32767)
    assert [(f.rule, f.value) for f in case.findings] == [("clipped_hu", 2)]


def test_a_fourth_axis_of_length_one_is_dropped(
    ct_xyz: np.ndarray, write_nifti_file: Write
) -> None:
    case = taken(write_nifti_file("a.nii.gz", ct_xyz[..., None]))
    assert case.image_zyx.shape == ct_xyz.shape[::-1]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda ct: np.stack([ct, ct], axis=3), "wrong_dimensions"),
        (lambda ct: ct[:, :, 0], "wrong_dimensions"),
        (lambda ct: ct[:, :, :0], "empty"),
        (lambda ct: np.full_like(ct, -1000), "empty"),
        (lambda ct: np.abs(ct), "not_ct"),
        (lambda ct: np.where(ct == ct.max(), np.nan, ct.astype(np.float32)), "non_finite_voxels"),
        (lambda ct: np.where(ct == ct.max(), np.inf, ct.astype(np.float64)), "non_finite_voxels"),
        (lambda ct: np.zeros(ct.shape, [("R", "u1"), ("G", "u1"), ("B", "u1")]), "not_scalar"),
        (lambda ct: ct.astype(np.complex64), "not_scalar"),
    ],
)
def test_voxels_that_are_no_ct_volume_are_rejected(
    ct_xyz: np.ndarray,
    write_nifti_file: Write,
    spoil: Callable[[np.ndarray], np.ndarray],
    reason: str,
) -> None:
    assert rejection(write_nifti_file("a.nii", spoil(ct_xyz))).reason == reason


@pytest.mark.parametrize(
    ("sform", "reason"),
    [
        ({"srow_x": [0, 0, 0, 5]}, "singular_affine"),
        ({"srow_x": [np.nan, 0, 0, 5]}, "bad_spacing"),
        ({"srow_z": [0, 0, 0, 5], "srow_y": [0, -0.8, 0, 0]}, "bad_spacing"),
    ],
)
def test_an_affine_that_places_no_voxels_is_rejected(
    ct_xyz: np.ndarray, write_nifti_file: Write, sform: dict[str, list[float]], reason: str
) -> None:
    affine = np.array([[-0.8, 0.1, 0, 30], [0.1, -0.8, 0, 40], [0, 0, 2.5, 0], [0, 0, 0, 1]])
    path = write_nifti_file("a.nii", ct_xyz, affine)
    raw = bytearray(path.read_bytes())
    if reason == "singular_affine":
        sform = {"srow_x": [0.1, -0.8, 0, 5], "srow_y": [0.1, -0.8, 0, 5]}
    for offset, key in ((280, "srow_x"), (296, "srow_y"), (312, "srow_z")):
        if key in sform:
            raw[offset : offset + 16] = np.array(sform[key], "<f4").tobytes()
    path.write_bytes(bytes(raw))
    assert rejection(path).reason == reason


@pytest.mark.parametrize("ending", ["nii", "nii.gz", "nrrd", "mha"])
def test_a_file_that_ends_too_early_is_rejected(
    tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write, ending: str
) -> None:
    path = write_nifti_file("a.nii", ct_xyz)
    if ending != "nii":
        image = sitk.ReadImage(str(path))
        path = tmp_path / f"a.{ending}"
        sitk.WriteImage(image, str(path))
    path.write_bytes(path.read_bytes()[:-60])
    assert rejection(path).reason == "truncated_file"


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha"])
@pytest.mark.parametrize("content", [b"", b"not an image at all " * 40])
def test_a_file_of_something_else_is_rejected(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert rejection(tmp_path / name).reason == "not_an_image"


@pytest.mark.parametrize("name", ["a.nii.gz", "a.mha"])
def test_a_file_that_vanished_is_rejected(
    tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write, name: str
) -> None:
    nifti = write_nifti_file("b.nii.gz", ct_xyz)
    path = tmp_path / name
    sitk.WriteImage(sitk.ReadImage(str(nifti)), str(path))
    (files,) = open_source(str(path)).cases
    path.unlink()
    with pytest.raises(RejectedInput) as caught:
        read_case(files)
    assert caught.value.reason == "unreadable"


def test_a_coloured_picture_is_rejected(tmp_path: Path, ct_xyz: np.ndarray) -> None:
    colours = sitk.GetImageFromArray(np.stack([ct_xyz] * 3, axis=3), isVector=True)
    sitk.WriteImage(colours, str(tmp_path / "a.mha"))
    assert rejection(tmp_path / "a.mha").reason == "not_scalar"


def test_a_file_without_any_orientation_is_taken_with_doubt(
    tmp_path: Path, ct_xyz: np.ndarray
) -> None:
    image = nib.Nifti1Image(ct_xyz, None)
    image.header.set_zooms((0.8, 0.8, 2.5))
    nib.save(image, tmp_path / "a.nii.gz")
    (finding,) = taken(tmp_path / "a.nii.gz").findings
    assert finding.rule == "no_orientation"
    assert finding.severity == "doubt"
