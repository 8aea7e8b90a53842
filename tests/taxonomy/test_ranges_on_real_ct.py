"""The ranges of the taxonomy hold for a real scan: unenhanced, 3 mm, labelled by a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Image
from numpy.typing import NDArray

from scalemai_core.taxonomy.label_names import LabelNames
from scalemai_core.taxonomy.taxonomy import load_taxonomy


def _faces(volume: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return [np.take(volume, (0, -1), axis) for axis in range(3)]


@pytest.fixture(scope="module")
def scan(real_ct: Path) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """HU and labels with our ids on one grid; the order of its axes does not matter here."""
    folder = real_ct / "totalsegmentator"
    image = Nifti1Image.from_filename(folder / "example_ct.nii.gz")
    hu = np.asarray(image.dataobj).astype(np.float64)
    codes = np.asarray(
        Nifti1Image.from_filename(folder / "example_seg_fast_force_split.nii.gz").dataobj
    ).astype(np.uint8)
    names, taxonomy = LabelNames.load("totalsegmentator_v2"), load_taxonomy()
    ids = np.zeros(256, dtype=np.uint8)
    for code in range(1, 118):
        if target := names.target(code):
            ids[code] = taxonomy[target].id
    return hu, ids[codes]


def test_the_mean_hu_of_every_structure_is_in_its_range(
    scan: tuple[NDArray[np.float64], NDArray[np.uint8]],
) -> None:
    hu, labels = scan
    counts = np.bincount(labels.ravel(), minlength=89)
    sums = np.bincount(labels.ravel(), weights=hu.ravel(), minlength=89)
    present = [s for s in load_taxonomy().structures if counts[s.id]]
    assert len(present) == 41
    outside = {
        s.name: mean
        for s in present
        if not s.hu[0] <= (mean := sums[s.id] / counts[s.id]) <= s.hu[1]
    }
    assert outside == {}


def test_the_volume_of_every_whole_structure_is_in_its_range(
    scan: tuple[NDArray[np.float64], NDArray[np.uint8]],
) -> None:
    labels = scan[1]
    volume_ml = np.bincount(labels.ravel(), minlength=89) * 3.0**3 / 1000.0
    cut = set(np.concatenate([face.ravel() for face in _faces(labels)]).tolist())
    whole = [s for s in load_taxonomy().structures if volume_ml[s.id] and s.id not in cut]
    assert len(whole) >= 15
    outside = {
        s.name: volume_ml[s.id]
        for s in whole
        if not s.volume_ml[0] <= volume_ml[s.id] <= s.volume_ml[1]
    }
    assert outside == {}
