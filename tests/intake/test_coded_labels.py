from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual name

from scalemai_core.errors import RejectedInput
from scalemai_core.intake.case import IntakeCase
from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.records.annotation import State
from scalemai_core.records.label_map import Layer
from scalemai_core.taxonomy.label_names import LabelNames
from scalemai_core.taxonomy.taxonomy import load_taxonomy

Write = Callable[..., Path]
ID = {structure.name: structure.id for structure in load_taxonomy().structures}


def taken(source: Path | str, names: LabelNames | None = None) -> IntakeCase:
    (files,) = open_source(str(source)).cases
    return read_case(files, names)


def rejection(source: Path | str, names: LabelNames | None = None) -> RejectedInput:
    with pytest.raises(RejectedInput) as caught:
        taken(source, names)
    assert caught.value.remedy
    return caught.value


def box(shape: tuple[int, ...], *ranges: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    mask[tuple(slice(*r) for r in ranges)] = 1
    return mask


def test_nnunet_codes_regions_and_absent_labels(ct_xyz: np.ndarray, nnunet: Write) -> None:
    codes = np.zeros_like(ct_xyz, np.uint8)
    codes[0, 0, 0], codes[0, 0, 1], codes[0, 0, 2], codes[0, 1, 0] = 1, 2, 3, 9
    folder = nnunet(
        {
            "background": 0,
            "pancreas": [1, 2],
            "pancreas_head": 2,
            "aorta": 3,
            "spleen": 4,
            "ear": 5,
        },
        codes,
    )
    case = taken(folder)
    canonical = codes[::-1, ::-1].T
    anatomy = np.zeros_like(canonical)
    anatomy[canonical == 1], anatomy[canonical == 2] = ID["pancreas"], ID["pancreas_head"]
    np.testing.assert_array_equal(case.labels[Layer.ANATOMY], anatomy)
    np.testing.assert_array_equal(
        case.labels[Layer.VESSELS], (canonical == 3) * np.uint8(ID["aorta"])
    )
    assert case.states == {
        "pancreas": State.PRESENT,
        "pancreas_head": State.PRESENT,
        "aorta": State.PRESENT,
        "spleen": State.ABSENT,
    }
    # 'ear' has no voxel, so nothing of it was lost; code 9 has no name at all.
    (finding,) = case.findings
    assert "code 9 (1 voxels)" in finding.message
    assert "ear" not in finding.message


def test_ignored_voxels_leave_empty_structures_unknown(ct_xyz: np.ndarray, nnunet: Write) -> None:
    codes = np.zeros_like(ct_xyz, np.uint8)
    codes[0], codes[1] = 1, 3
    case = taken(nnunet({"background": 0, "liver": 1, "spleen": 2, "ignore": 3}, codes))
    assert case.states == {"liver": State.PRESENT}
    (finding,) = case.findings
    assert (finding.rule, finding.value) == ("no_information", codes[1].size)


def test_codes_without_names_need_a_label_map(ct_xyz: np.ndarray, write_nifti_file: Write) -> None:
    codes = np.zeros_like(ct_xyz, np.uint16)
    codes[0], codes[1], codes[2] = 700, 12, 44
    image = write_nifti_file("a.nii.gz", ct_xyz)
    labels = write_nifti_file("labels.nii.gz", codes)
    assert rejection(f"{image}={labels}").reason == "labels_without_names"
    names = LabelNames(name="x", source="x", labels={700: "liver", 13: "spleen"}, ignored=(44,))
    case = taken(f"{image}={labels}", names)
    assert case.states == {"liver": State.PRESENT, "spleen": State.ABSENT}
    assert (case.labels[Layer.ANATOMY] == ID["liver"]).sum() == codes[0].size
    assert case.findings[0].message.startswith(f"labels code 12 ({codes[0].size} voxels) in ")


@pytest.mark.parametrize("value", [-1.0, 0.5, 70_000.0])
def test_values_that_are_no_codes_are_rejected(
    ct_xyz: np.ndarray, nnunet: Write, value: float
) -> None:
    codes = np.zeros(ct_xyz.shape, np.float32)
    codes[0, 0, 0] = value
    assert rejection(nnunet({"background": 0, "liver": 1}, codes)).reason == "not_a_label_map"


def test_segments_of_slicer_may_overlap_in_layers(
    tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write
) -> None:
    image = write_nifti_file("a.nii.gz", ct_xyz)
    reference = sitk.ReadImage(str(image))
    liver = box(ct_xyz.shape, (0, 5), (0, 5), (0, 4))
    spleen = box(ct_xyz.shape, (4, 7), (0, 5), (0, 4)) * np.uint8(2)
    layers = np.stack([liver.T, spleen.T], axis=3)
    segmentation = sitk.GetImageFromArray(layers, isVector=True)
    segmentation.CopyInformation(reference)
    for key, value in {
        "Segment0_Name": "Liver",
        "Segment0_Layer": "0",
        "Segment0_LabelValue": "1",
        "Segment1_Name": "Spleen",
        "Segment1_Layer": "1",
        "Segment1_LabelValue": "2",
    }.items():
        segmentation.SetMetaData(key, value)
    labels = tmp_path / "a.seg.nrrd"
    sitk.WriteImage(segmentation, str(labels))
    case = taken(f"{image}={labels}")
    assert case.states == {"liver": State.PRESENT, "spleen": State.PRESENT}
    (finding,) = case.findings
    assert (finding.rule, finding.structure, finding.value) == ("overlap", "liver", 20)
    assert (case.labels[Layer.ANATOMY] == ID["spleen"]).sum() == (spleen > 0).sum()
