from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scalemai_core.errors import UsageError
from scalemai_core.intake.sources import open_source
from scalemai_core.records.scan import CaseInfo, Sex

Write = Callable[..., Path]


@pytest.fixture
def dataset(tmp_path: Path) -> Callable[[dict[str, object]], Path]:
    """An nnU-Net folder whose files exist by name alone: listing must not open them."""

    def write(description: dict[str, object]) -> Path:
        for name in ("imagesTr/b_0000.nii.gz", "imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        (tmp_path / "dataset.json").write_text(json.dumps(description))
        return tmp_path

    return write


DESCRIPTION = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1}}


def test_an_nnunet_dataset_is_listed_without_opening_a_volume(
    dataset: Callable[..., Path],
) -> None:
    source = open_source(str(dataset(DESCRIPTION)))
    assert len(source) == 2
    assert [files.case for files in source.cases] == ["a", "b"]
    first, second = source.cases
    assert first.label_map is not None
    assert first.label_map.codes == (("background", (0,)), ("liver", (1,)))
    assert second.label_map is None


def test_the_older_decathlon_style_is_understood(tmp_path: Path) -> None:
    for name in ("imagesTr/liver_1.nii.gz", "labelsTr/liver_1.nii.gz"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    description = {"modality": {"0": "CT"}, "labels": {"0": "background", "1": "liver"}}
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    (files,) = open_source(str(tmp_path)).cases
    assert files.case == "liver_1"
    assert files.label_map is not None
    assert files.label_map.codes == (("background", (0,)), ("liver", (1,)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channel_names": {"0": "T2"}}, "must be CT"),
        ({"channel_names": {"0": "CT", "1": "PET"}}, "must be CT"),
        ({"labels": ["liver"]}, "'labels'"),
        ({"labels": {"liver": "one"}}, "'labels'"),
    ],
)
def test_a_dataset_that_cannot_be_meant_is_refused(
    dataset: Callable[..., Path], change: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        open_source(str(dataset(DESCRIPTION | change)))


def test_a_folder_of_case_folders_and_one_of_them(
    tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write
) -> None:
    for case in ("s2", "s1"):
        write_nifti_file(f"data/{case}/ct.nii.gz", ct_xyz)
        write_nifti_file(f"data/{case}/segmentations/spleen.nii.gz", ct_xyz)
    (tmp_path / "data" / "no_case").mkdir()
    source = open_source(str(tmp_path / "data"))
    assert (source.name, [files.case for files in source.cases]) == ("data", ["s1", "s2"])
    assert [mask.label for mask in source.cases[0].masks] == ["spleen"]
    assert [files.case for files in open_source(str(tmp_path / "data" / "s2")).cases] == ["s2"]


def test_cases_travel_between_processes(
    tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write
) -> None:
    (files,) = open_source(str(write_nifti_file("a.nii.gz", ct_xyz))).cases
    assert pickle.loads(pickle.dumps(files)) == files
    assert type(files).model_validate_json(files.model_dump_json()) == files


def test_image_and_labels_are_paired_by_an_equals_sign(
    tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write, write_series: Write
) -> None:
    image, labels = write_nifti_file("a.nii.gz", ct_xyz), write_nifti_file("l.nii.gz", ct_xyz)
    (files,) = open_source(f"{image}={labels}").cases
    assert files.label_map is not None
    assert files.label_map.path == labels
    write_nifti_file("masks/liver.nii.gz", ct_xyz)
    (files,) = open_source(f"{write_series('dicom', ct_xyz)}={tmp_path / 'masks'}").cases
    assert [mask.label for mask in files.masks] == ["liver"]


def test_a_path_with_an_equals_sign_is_just_a_path(
    tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write
) -> None:
    assert open_source(str(write_nifti_file("dose=low/a.nii.gz", ct_xyz))).name == "a"


def test_a_pair_takes_one_case(
    ct_xyz: np.ndarray, tmp_path: Path, write_nifti_file: Write, write_series: Write
) -> None:
    write_series("study/one", ct_xyz)
    write_series("study/two", ct_xyz)
    labels = write_nifti_file("l.nii.gz", ct_xyz)
    with pytest.raises(UsageError, match="holds 2 cases"):
        open_source(f"{tmp_path / 'study'}={labels}")


@pytest.mark.parametrize("name", ["missing", "missing.nii.gz", "notes.txt", "empty", "missing=x"])
def test_what_is_no_source_is_refused_with_what_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="nnU-Net dataset") as caught:
        open_source(str(tmp_path / name))
    assert name.split("=")[0] in str(caught.value)


def test_files_with_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "imagesTr").mkdir()
    for name in ("a_0000.nii.gz", "a_0000.nrrd"):
        (tmp_path / "imagesTr" / name).touch()
    (tmp_path / "dataset.json").write_text(json.dumps(DESCRIPTION))
    with pytest.raises(UsageError, match="several cases are named a"):
        open_source(str(tmp_path))


def test_a_table_beside_the_files_says_who_is_shown(
    tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write
) -> None:
    for case in ("s1", "s2"):
        write_nifti_file(f"data/{case}/ct.nii.gz", ct_xyz)
    (tmp_path / "data" / "cases.csv").write_text(
        "case,patient,sex,age,phase,centre,report\n"
        's1,p9,female,61,venous,Basel,"Liver: normal, no lesion."\n',
        encoding="utf-8-sig",
    )
    first, second = open_source(str(tmp_path / "data")).cases
    assert first.info == CaseInfo(
        patient="p9",
        sex=Sex.FEMALE,
        age_years=61.0,
        phase="venous",
        centre="Basel",
        report="Liver: normal, no lesion.",
    )
    assert second.info == CaseInfo()


def test_a_table_beside_one_file_carries_its_name(
    tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write
) -> None:
    path = write_nifti_file("a.nii.gz", ct_xyz)
    (tmp_path / "a.csv").write_text("case,patient,age\na,p1,018M\n")
    (files,) = open_source(str(path)).cases
    assert files.info == CaseInfo(patient="p1", age_years=1.5)


def test_the_table_has_the_last_word_over_dicom_headers(
    ct_xyz: np.ndarray, write_series: Write
) -> None:
    folder = write_series("scan", ct_xyz)
    (folder / "cases.csv").write_text("case,patient,phase\nscan,p1,arterial\n")
    (files,) = open_source(str(folder)).cases
    assert files.info == CaseInfo(patient="p1", sex=Sex.FEMALE, age_years=63.0, phase="arterial")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case,pateint\na,p1\n", "columns must be"),
        ("patient,sex\np1,F\n", "columns must be"),
        ("case;patient\na;p1\n", "separated by"),
        ("", "found none"),
        ("case,sex\na,female\na,male\n", "line 3: case 'a'"),
        ("case,sex\na,x\n", "line 2: sex"),
        ("case,age\na,old\n", "line 2: age"),
    ],
)
def test_a_table_that_could_be_misread_is_refused(
    tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write, text: str, message: str
) -> None:
    path = write_nifti_file("a.nii.gz", ct_xyz)
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UsageError, match=message):
        open_source(str(path))
