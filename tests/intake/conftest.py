"""Small CTs and labels written as files, and DICOM series made slice by slice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SHAPE_XYZ = (7, 6, 5)
AFFINE = np.array(
    [[-0.8, 0, 0, 30.0], [0, -0.8, 0, 40.0], [0, 0, 2.5, -100.0], [0, 0, 0, 1]], dtype=np.float64
)

Write = Callable[..., Path]


@pytest.fixture
def ct_xyz() -> np.ndarray:
    """int16 HU in file order, air and bone included, no two voxels alike by symmetry."""
    values = np.random.default_rng(5).integers(-1000, 1500, SHAPE_XYZ).astype(np.int16)
    values[0, 0, 0] = -1000
    return values


@pytest.fixture
def write_nifti_file(tmp_path: Path) -> Write:
    """Write an array in file order below ``tmp_path``; folders are made."""

    def write(name: str, array_xyz: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(array_xyz, affine), path)
        return path

    return write


@pytest.fixture
def write_series(tmp_path: Path) -> Write:
    """Write a CT series, one file a slice, and let ``change(index, dataset)`` spoil it."""

    def write(
        name: str,
        ct_xyz: np.ndarray,
        change: Callable[[int, Any], None] | None = None,
        series: str | None = None,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        uid = series or generate_uid()
        for index in range(ct_xyz.shape[2]):
            dataset = _slice(ct_xyz[:, :, index].T, 2.5 * index, uid)
            if change is not None:
                change(index, dataset)
            # Named against the order of the slices, so that names cannot sort them.
            number = ct_xyz.shape[2] - index
            dataset.save_as(folder / f"{uid[-6:]}_{number:03d}.dcm", enforce_file_format=True)
        return folder

    return write


@pytest.fixture
def case_folder(tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write) -> Write:
    """Write ct.nii.gz and one mask a structure; returns the folder."""

    def write(masks: dict[str, np.ndarray], name: str = "case_1") -> Path:
        write_nifti_file(f"{name}/ct.nii.gz", ct_xyz)
        for label, mask in masks.items():
            write_nifti_file(f"{name}/segmentations/{label}.nii.gz", mask)
        return tmp_path / name

    return write


@pytest.fixture
def nnunet(tmp_path: Path, ct_xyz: np.ndarray, write_nifti_file: Write) -> Write:
    """Write an nnU-Net dataset with one case; returns the folder."""

    def write(labels: dict[str, object], codes: np.ndarray) -> Path:
        write_nifti_file("Dataset001/imagesTr/a_0000.nii.gz", ct_xyz)
        write_nifti_file("Dataset001/labelsTr/a.nii.gz", codes)
        description = {"channel_names": {"0": "CT"}, "labels": labels, "file_ending": ".nii.gz"}
        (tmp_path / "Dataset001" / "dataset.json").write_text(json.dumps(description))
        return tmp_path / "Dataset001"

    return write


def _slice(pixels_yx: np.ndarray, height_mm: float, series: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", pydicom.Dataset(), file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.SeriesInstanceUID, dataset.SeriesNumber = "CT", series, 4
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "P-17"
    dataset.PatientSex, dataset.PatientAge = "F", "063Y"
    dataset.Rows, dataset.Columns = pixels_yx.shape
    dataset.PixelSpacing, dataset.SliceThickness = [0.9, 0.7], 2.5
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [-30.0, -40.0, -100.0 + height_mm]
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 1
    dataset.PixelData = (pixels_yx.astype(np.int32) + 1024).astype("<i2").tobytes()
    return dataset
