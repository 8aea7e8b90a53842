"""Real CT against its own files, read by nibabel and SimpleITK instead of by the engine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import polars as pl
import pytest
import SimpleITK
from small_population import offer, small_settings

from flows.ingest import ingest
from flows.release import release
from scalemai_core.records.scan import Scan
from scalemai_core.store.catalog.rows import scans_of
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

pytestmark = pytest.mark.flow

TAXONOMY = load_taxonomy()
LABELS = {
    "example_ct": "example_seg_fast_force_split.nii.gz",
    "example_ct_sm": "example_seg.nii.gz",
    "example_ct_dicom": "example_seg_dicom.nii.gz",
}
NIFTI = ("example_ct", "example_ct_sm")
ITK = {
    "example_ct_dicom": "totalsegmentator/example_ct_dicom",
    "image": "crlm/CRLM-CT-1004/image",
    "ct-64": "cip_chest/ct-64.nrrd",
}
CODES = {1: "spleen", 5: "liver", 52: "aorta"}
"""Of the source's labels."""
COUNTS = {
    "example_ct": {"present": 43, "absent": 16, "unknown": 29},
    "example_ct_sm": {"present": 30, "absent": 29, "unknown": 29},
    "example_ct_dicom": {"present": 14, "absent": 45, "unknown": 29},
    "image": {"unknown": 88},
    "ct-64": {"unknown": 88},
}


@dataclass(frozen=True)
class RealData:
    """A workspace of real scans, its first version, and that version's export."""

    store: Workspace
    scans: dict[str, Scan]
    annotations: pl.DataFrame
    out: Path
    regions: dict[str, Any]

    def exported(self, part: str, name: str) -> Any:
        """An exported file."""
        return nib.load(self.out / part / f"{name}.nii.gz")


@pytest.fixture(scope="module")
def data(prefect: None, real_ct: Path, tmp_path_factory: pytest.TempPathFactory) -> RealData:
    folder, out = real_ct / "totalsegmentator", tmp_path_factory.mktemp("real") / "out"
    images = {case: folder / f"{case}.nii.gz" for case in NIFTI}
    images["example_ct_dicom"] = folder / "example_ct_dicom"
    sources = [f"{image}={folder / LABELS[case]}" for case, image in images.items()]
    sources += [str(real_ct / ITK[case]) for case in ("image", "ct-64")]
    url = str(out.with_name("ws"))
    offered = offer(url, *sources).model_copy(update={"labels_from": "totalsegmentator_v2"})
    version = ingest(offered, small_settings().compute)
    assert version is not None
    release(url, version.number, out)
    store = Workspace.open(url)
    scans = {scan.case: scan for scan in scans_of(store.catalog.scans(version))}
    regions = json.loads((out / "dataset.json").read_text())["labels"]
    return RealData(store, scans, store.catalog.annotations(version), out, regions)


def itk_image(path: Path) -> Any:
    if path.is_file():
        return SimpleITK.ReadImage(str(path))
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(path)))
    return reader.Execute()


def ras_affine(image: Any) -> np.ndarray:
    """ITK speaks LPS."""
    affine = np.eye(4)
    directions = np.array(image.GetDirection()).reshape(3, 3)
    affine[:3, :3] = directions * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def canonical_zyx(image: Any) -> np.ndarray:
    return np.asanyarray(nib.as_closest_canonical(image).dataobj).T


@pytest.mark.parametrize("case", NIFTI)
def test_nifti_is_stored_and_given_back_voxel_by_voxel(
    data: RealData, real_ct: Path, case: str
) -> None:
    source: Any = nib.load(real_ct / "totalsegmentator" / f"{case}.nii.gz")
    scan = data.scans[case]
    np.testing.assert_array_equal(data.store.scans.read(scan.scan_id), canonical_zyx(source))
    np.testing.assert_allclose(scan.grid.matrix, source.affine, atol=1e-4)
    spacing_mm_zyx = source.header.get_zooms()[::-1]
    np.testing.assert_allclose(scan.grid.spacing_mm_zyx, spacing_mm_zyx, atol=1e-4)
    back = data.exported("imagesTr", f"{case}_0000")
    assert back.get_data_dtype() == np.int16
    np.testing.assert_array_equal(np.asanyarray(back.dataobj), np.asanyarray(source.dataobj))
    np.testing.assert_array_equal(back.affine, source.affine)


@pytest.mark.parametrize("case", ITK)
def test_dicom_and_nrrd_are_stored_and_given_back_voxel_by_voxel(
    data: RealData, real_ct: Path, case: str
) -> None:
    source, scan = itk_image(real_ct / ITK[case]), data.scans[case]
    voxels_zyx = SimpleITK.GetArrayFromImage(source)
    assert scan.source_axes == "LPS"
    stored_zyx = data.store.scans.read(scan.scan_id)
    np.testing.assert_array_equal(stored_zyx, voxels_zyx[:, ::-1, ::-1])
    np.testing.assert_allclose(scan.source_affine, ras_affine(source), atol=1e-3)
    np.testing.assert_allclose(scan.grid.spacing_mm_zyx, source.GetSpacing()[::-1], atol=1e-3)
    back = data.exported("imagesTr", f"{case}_0000")
    np.testing.assert_array_equal(np.asanyarray(back.dataobj).T, voxels_zyx)
    np.testing.assert_allclose(back.affine, ras_affine(source), atol=1e-3)


@pytest.mark.parametrize("case", COUNTS)
def test_what_is_not_labelled_is_unknown(data: RealData, case: str) -> None:
    own = data.annotations.filter(pl.col("scan_id") == data.scans[case].scan_id)
    assert dict(own["state"].value_counts().iter_rows()) == COUNTS[case]


@pytest.mark.parametrize("case", LABELS)
def test_regions_hold_the_ingested_and_the_sources_labels(
    data: RealData, real_ct: Path, case: str
) -> None:
    exported_zyx = canonical_zyx(data.exported("labelsTr", case))
    own = data.annotations.filter(
        (pl.col("scan_id") == data.scans[case].scan_id) & (pl.col("state") == "present")
    )
    stored = {name: data.store.labels.read(name) for name in own["label_map"].unique()}
    for structure, label_map in own.select("structure", "label_map").iter_rows():
        given_zyx = np.isin(exported_zyx, data.regions[structure])
        ingested_zyx = np.isin(stored[label_map], TAXONOMY.member_ids(structure))
        assert ingested_zyx.any()
        np.testing.assert_array_equal(given_zyx, ingested_zyx, err_msg=structure)
    source_zyx = canonical_zyx(nib.load(real_ct / "totalsegmentator" / LABELS[case]))
    for code, structure in CODES.items():
        given_zyx = np.isin(exported_zyx, data.regions[structure])
        np.testing.assert_array_equal(given_zyx, source_zyx == code, err_msg=structure)
