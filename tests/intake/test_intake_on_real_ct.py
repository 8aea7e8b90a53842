from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scalemai_core.errors import RejectedInput
from scalemai_core.intake.case import CaseFiles, IntakeCase
from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.intake.writer import write_nifti
from scalemai_core.records.annotation import State
from scalemai_core.records.label_map import Layer
from scalemai_core.records.scan import CaseInfo, Sex
from scalemai_core.taxonomy.label_names import LabelNames
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
LUNG_CODES = LabelNames(
    name="lung",
    source="chest label map: 9 is the left upper third, 12 the right",
    labels={9: "lung_upper_lobe_left", 12: "lung_upper_lobe_right"},
    ignored=(*range(512, 527), *range(768, 783), 10, 11, 13, 14),
)


def taken(source: str, names: LabelNames | None = None) -> IntakeCase:
    (files,) = open_source(source).cases
    return read_case(files, names)


def reason(files: CaseFiles) -> str:
    with pytest.raises(RejectedInput) as caught:
        read_case(files, LUNG_CODES)
    return caught.value.reason


def where(case: IntakeCase, structure: str) -> np.ndarray:
    labels_zyx = case.labels[TAXONOMY[structure].layer]
    return np.isin(labels_zyx, TAXONOMY.member_ids(structure))


def middle_mm(case: IntakeCase, structure: str) -> np.ndarray:
    z, y, x = np.argwhere(where(case, structure)).mean(axis=0)
    return (case.grid.matrix @ [x, y, z, 1])[:3]


def test_a_whole_abdomen_with_named_labels(real_ct: Path) -> None:
    folder = real_ct / "totalsegmentator"
    labels = folder / "example_seg_fast_force_split.nii.gz"
    case = taken(f"{folder / 'example_ct.nii.gz'}={labels}")
    stored = nib.load(labels)
    codes = np.asanyarray(stored.dataobj).T
    assert case.image_zyx.shape == (112, 101, 122)
    assert (case.image_zyx.min(), case.image_zyx.max()) == (-1207, 3382)
    # Codes of the source: 1 spleen, 2 right kidney, 3 left kidney, 5 liver.
    for code, structure in {1: "spleen", 2: "kidney_right", 3: "kidney_left", 5: "liver"}.items():
        np.testing.assert_array_equal(where(case, structure), codes == code)
        assert case.states[structure] is State.PRESENT
    assert middle_mm(case, "kidney_left")[0] < middle_mm(case, "kidney_right")[0]
    assert middle_mm(case, "spleen")[0] < middle_mm(case, "liver")[0]
    assert Layer.LESIONS not in case.labels
    (unmapped,) = [finding for finding in case.findings if finding.rule == "unmapped_label"]
    assert "'rib_left_8'" in unmapped.message


def test_labels_of_another_crop_are_rejected(real_ct: Path) -> None:
    folder = real_ct / "totalsegmentator"
    source = f"{folder / 'example_ct.nii.gz'}={folder / 'example_seg.nii.gz'}"
    (files,) = open_source(source).cases
    assert reason(files) == "label_grid_mismatch"


def test_compressed_dicom_with_labels_stored_in_another_orientation(real_ct: Path) -> None:
    folder = real_ct / "totalsegmentator"
    case = taken(f"{folder / 'example_ct_dicom'}={folder / 'example_seg_dicom.nii.gz'}")
    assert case.source_axes == "LPS"
    assert case.image_zyx.shape == (20, 512, 512)
    liver, spleen = middle_mm(case, "liver"), middle_mm(case, "spleen")
    assert liver[0] > spleen[0]
    assert middle_mm(case, "autochthon_left")[0] < middle_mm(case, "autochthon_right")[0]
    assert 50 < np.median(case.image_zyx[where(case, "liver")]) < 150
    assert 100 < np.median(case.image_zyx[where(case, "vertebrae_T12")]) < 500


def test_an_mr_volume_is_no_ct(real_ct: Path) -> None:
    (files,) = open_source(str(real_ct / "totalsegmentator" / "example_mr_sm.nii.gz")).cases
    assert reason(files) == "not_ct"


def test_padding_below_air_is_kept(real_ct: Path) -> None:
    (files,) = open_source(str(real_ct / "crlm" / "CRLM-CT-1004")).cases
    assert files.info == CaseInfo(patient="CRLM-CT-1004", sex=Sex.MALE, age_years=38.0)
    case = read_case(files)
    assert case.image_zyx.shape == (41, 512, 512)
    assert case.image_zyx.min() == -3024
    assert case.grid.spacing_mm_zyx == pytest.approx((5.0, 0.796875, 0.796875))
    assert case.findings == ()


def test_a_folder_of_mixed_objects_gives_each_its_own_reason(real_ct: Path) -> None:
    source = open_source(str(real_ct / "dcmqi_ct3slice"))
    reasons = {files.case: reason(files) for files in source.cases if files.case != "ct-3slice"}
    assert reasons["23x38x3_multiframe"] == "dicom_multiframe"
    assert reasons["23x38x3_image"] == "not_ct"
    assert len(reasons) == len(source) - 1
    drawn = {files.case: {path.name for path in files.segmentations} for files in source.cases}
    assert drawn["ct-3slice"] == {"liver.dcm", "partial_overlaps.dcm"}
    assert drawn["23x38x3_image"] >= {"label.seg"}


def test_codes_of_an_nrrd_on_a_dicom_image(real_ct: Path) -> None:
    folder = real_ct / "dcmqi_ct3slice"
    names = LabelNames(name="x", source="x", labels={1: "liver", 2: "vertebrae_L1"})
    case = taken(f"{folder / 'ct-3slice'}={folder / 'liver_spine_seg.nrrd'}", names)
    assert 30 < np.median(case.image_zyx[where(case, "liver")]) < 150
    liver, spine = middle_mm(case, "liver"), middle_mm(case, "vertebrae_L1")
    assert liver[0] > spine[0]
    assert liver[1] > spine[1]


def test_dicom_and_nrrd_of_one_chest_agree(real_ct: Path) -> None:
    folder = real_ct / "cip_chest"
    labels = folder / "lm-64.nrrd"
    dicom = taken(f"{folder / 'ct-64Dicom'}={labels}", LUNG_CODES)
    nrrd = taken(f"{folder / 'ct-64.nrrd'}={labels}", LUNG_CODES)
    np.testing.assert_array_equal(dicom.image_zyx, nrrd.image_zyx)
    np.testing.assert_allclose(dicom.grid.matrix, nrrd.grid.matrix, atol=1e-3)
    assert nrrd.findings == ()
    assert middle_mm(nrrd, "lung_upper_lobe_left")[0] < middle_mm(nrrd, "lung_upper_lobe_right")[0]


def test_an_oblique_volume_stays_on_its_own_voxels(real_ct: Path, tmp_path: Path) -> None:
    folder = real_ct / "cip_chest"
    straight = taken(f"{folder / 'ct-64.nrrd'}={folder / 'lm-64.nrrd'}", LUNG_CODES)
    oblique = taken(
        f"{folder / 'ct-64-transformed.nrrd'}={folder / 'lm-64-transformed.nrrd'}", LUNG_CODES
    )
    np.testing.assert_array_equal(straight.image_zyx, oblique.image_zyx)
    assert abs(oblique.grid.matrix[0, 1]) > 1.0
    write_nifti(
        tmp_path / "o.nii.gz", oblique.image_zyx, oblique.source_axes, oblique.source_affine
    )
    again = taken(str(tmp_path / "o.nii.gz"))
    np.testing.assert_array_equal(again.image_zyx, oblique.image_zyx)
    np.testing.assert_allclose(again.grid.matrix, oblique.grid.matrix, atol=1e-4)


def test_straight_labels_on_an_oblique_image_are_rejected(real_ct: Path) -> None:
    folder = real_ct / "cip_chest"
    (files,) = open_source(f"{folder / 'ct-64-transformed.nrrd'}={folder / 'lm-64.nrrd'}").cases
    assert reason(files) == "label_grid_mismatch"


@pytest.mark.parametrize(
    "name", ["totalsegmentator/example_ct.nii.gz", "totalsegmentator/example_ct_sm.nii.gz"]
)
def test_a_real_file_goes_back_exactly_as_it_came(real_ct: Path, tmp_path: Path, name: str) -> None:
    case = taken(str(real_ct / name))
    write_nifti(tmp_path / "b.nii.gz", case.image_zyx, case.source_axes, case.source_affine)
    source, back = nib.load(real_ct / name), nib.load(tmp_path / "b.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(back.dataobj), np.asanyarray(source.dataobj))
    assert (back.affine == source.affine).all()
