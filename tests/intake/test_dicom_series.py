from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scalemai_core.errors import RejectedInput
from scalemai_core.intake.case import IntakeCase
from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.records.scan import CaseInfo, Sex

Write = Callable[..., Path]
Spoil = Callable[[int, Any], None]


def taken(folder: Path) -> IntakeCase:
    (files,) = open_source(str(folder)).cases
    return read_case(files)


def rejection(folder: Path) -> RejectedInput:
    with pytest.raises(RejectedInput) as caught:
        taken(folder)
    assert folder.name in str(caught.value)
    assert caught.value.remedy
    return caught.value


def test_slices_are_sorted_by_place_and_rescaled(ct_xyz: np.ndarray, write_series: Write) -> None:
    case = taken(write_series("scan", ct_xyz))
    # DICOM counts columns to the left and rows to the back; canonical order is right, front, up.
    np.testing.assert_array_equal(case.image_zyx, ct_xyz[::-1, ::-1].T)
    assert case.source_axes == "LPS"
    np.testing.assert_allclose(
        case.source_affine,
        [[-0.7, 0, 0, 30], [0, -0.9, 0, 40], [0, 0, 2.5, -100], [0, 0, 0, 1]],
        atol=1e-9,
    )
    assert case.grid.spacing_mm_zyx == pytest.approx((2.5, 0.9, 0.7))


def test_headers_say_who_the_patient_is_but_never_the_name(
    ct_xyz: np.ndarray, write_series: Write
) -> None:
    source = open_source(str(write_series("scan", ct_xyz)))
    (files,) = source.cases
    assert files.info == CaseInfo(patient="P-17", sex=Sex.FEMALE, age_years=63.0)
    assert "Doe" not in files.model_dump_json()
    assert files.case == "scan"


def test_an_oblique_series_keeps_its_directions(ct_xyz: np.ndarray, write_series: Write) -> None:
    cos, sin = np.cos(0.3), np.sin(0.3)

    def oblique(index: int, dataset: Any) -> None:
        dataset.ImageOrientationPatient = [cos, sin, 0, 0, 0, -1]
        normal = np.cross([cos, sin, 0], [0, 0, -1])
        dataset.ImagePositionPatient = [round(v, 6) for v in (2.5 * index * normal).tolist()]

    case = taken(write_series("scan", ct_xyz, oblique))
    lps = np.diag([-1.0, -1.0, 1.0])
    np.testing.assert_allclose(
        np.array(case.source_affine)[:3, :3],
        lps @ np.array([[0.7 * cos, 0, -2.5 * sin], [0.7 * sin, 0, 2.5 * cos], [0, -0.9, 0]]),
        atol=1e-5,
    )


def double_a_slice(index: int, dataset: Any) -> None:
    if index == 3:
        dataset.ImagePositionPatient = [-30, -40, -95]


def tilt(index: int, dataset: Any) -> None:
    dataset.ImagePositionPatient = [-30, -40 + 0.4 * index, -100 + 2.5 * index]


def drift(index: int, dataset: Any) -> None:
    dataset.ImagePositionPatient = [-30, -40, -100 + 2.5 * index + (0.5 if index == 2 else 0)]


def turn_one(index: int, dataset: Any) -> None:
    if index == 2:
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]


def rescale_pixels_of_one(index: int, dataset: Any) -> None:
    if index == 2:
        dataset.PixelSpacing = [1.8, 1.4]


def shrink_one(index: int, dataset: Any) -> None:
    if index == 2:
        dataset.Rows -= 1
        dataset.PixelData = dataset.PixelData[: 2 * dataset.Rows * dataset.Columns]


def call_it_mr(index: int, dataset: Any) -> None:
    dataset.Modality = "MR"


def call_it_localizer(index: int, dataset: Any) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]


def forget_position(index: int, dataset: Any) -> None:
    if index == 1:
        del dataset.ImagePositionPatient


def forget_rescaling(index: int, dataset: Any) -> None:
    dataset.RescaleIntercept = 0


def say_many_frames(index: int, dataset: Any) -> None:
    dataset.NumberOfFrames = 5


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (double_a_slice, "dicom_duplicate_slices"),
        (tilt, "dicom_gantry_tilt"),
        (drift, "dicom_missing_slices"),
        (turn_one, "dicom_mixed_series"),
        (rescale_pixels_of_one, "dicom_mixed_series"),
        (shrink_one, "dicom_mixed_series"),
        (call_it_mr, "not_ct"),
        (call_it_localizer, "not_ct"),
        (forget_position, "dicom_no_geometry"),
        (forget_rescaling, "not_ct"),
        (say_many_frames, "dicom_multiframe"),
    ],
)
def test_a_series_that_is_no_regular_ct_volume_is_rejected(
    ct_xyz: np.ndarray, write_series: Write, spoil: Spoil, reason: str
) -> None:
    assert rejection(write_series("scan", ct_xyz, spoil)).reason == reason


def test_a_missing_slice_is_named_by_its_neighbours(
    ct_xyz: np.ndarray, write_series: Write
) -> None:
    folder = write_series("scan", ct_xyz)
    names = sorted(path.name for path in folder.iterdir())
    (folder / names[2]).unlink()
    error = rejection(folder)
    assert error.reason == "dicom_missing_slices"
    assert names[1] in str(error)
    assert names[3] in str(error)
    assert "5.00 mm" in str(error)


def test_a_single_slice_is_no_volume(ct_xyz: np.ndarray, write_series: Write) -> None:
    assert rejection(write_series("scan", ct_xyz[:, :, :1])).reason == "dicom_missing_slices"


def test_a_slice_cut_short_is_rejected_by_name(ct_xyz: np.ndarray, write_series: Write) -> None:
    folder = write_series("scan", ct_xyz)
    victim = sorted(folder.iterdir())[1]
    os.truncate(victim, victim.stat().st_size - 20)
    error = rejection(folder)
    assert error.reason == "truncated_file"
    assert victim.name in str(error)


def test_positions_rounded_by_the_scanner_are_taken(
    ct_xyz: np.ndarray, write_series: Write
) -> None:
    def rounded(index: int, dataset: Any) -> None:
        dataset.ImagePositionPatient = [-30, -40, round(0.625 * index, 1)]

    assert taken(write_series("scan", ct_xyz, rounded)).image_zyx.shape == (5, 6, 7)


def test_each_series_of_a_folder_is_a_case_of_its_own(
    tmp_path: Path, ct_xyz: np.ndarray, write_series: Write
) -> None:
    def number(value: int) -> Spoil:
        def change(index: int, dataset: Any) -> None:
            dataset.SeriesNumber = value

        return change

    write_series("study", ct_xyz, number(2))
    write_series("study", ct_xyz + 1, number(3))
    write_series("study/late", ct_xyz, number(3))
    (tmp_path / "study" / "notes.txt").write_text("nothing of interest")
    source = open_source(str(tmp_path / "study"))
    by_name = {files.case: files for files in source.cases}
    assert sorted(by_name) == ["late", "study_2", "study_3"]
    assert all(len(files.image) == 5 for files in source.cases)
    second, third = read_case(by_name["study_2"]), read_case(by_name["study_3"])
    np.testing.assert_array_equal(second.image_zyx + 1, third.image_zyx)


def test_two_phases_in_one_series_are_rejected_as_duplicates(
    ct_xyz: np.ndarray, write_series: Write
) -> None:
    folder = write_series("scan", ct_xyz, series="1.2.3.111111")
    for path in list(folder.iterdir()):
        path.rename(path.with_name("early_" + path.name))
    write_series("scan", ct_xyz + 50, series="1.2.3.111111")
    assert rejection(folder).reason == "dicom_duplicate_slices"


def test_a_damaged_header_is_a_case_that_is_rejected_and_an_index_is_none(
    ct_xyz: np.ndarray, write_series: Write
) -> None:
    folder = write_series("scan", ct_xyz)
    mark = b"\0" * 128 + b"DICM"
    (folder / "broken.dcm").write_bytes(mark)
    (folder / "DICOMDIR").write_bytes(mark)
    by_name = {files.case: files for files in open_source(str(folder)).cases}
    assert sorted(by_name) == ["scan_4", "scan_unnumbered"]
    assert read_case(by_name["scan_4"]).image_zyx.shape == ct_xyz.shape[::-1]
    with pytest.raises(RejectedInput, match=r"broken\.dcm") as caught:
        read_case(by_name["scan_unnumbered"])
    assert caught.value.reason == "unreadable"
