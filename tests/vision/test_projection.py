"""Pictures from which a person could tell: sides, sizes, and red where the mask is."""

from __future__ import annotations

import io
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from scalemai_core.vision.projection import (
    BODY_HU,
    Plane,
    Projector,
    gray_png,
    overlay_png,
)


def decoded(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def middle(shadow: np.ndarray) -> tuple[float, float]:
    """Row and column, as shares of the picture."""
    rows, columns = np.nonzero(shadow)
    return rows.mean() / shadow.shape[0], columns.mean() / shadow.shape[1]


@pytest.mark.parametrize("plane", list(Plane))
def test_right_head_and_front_are_where_the_words_say(plane: Plane) -> None:
    corner = np.zeros((12, 12, 12), dtype=bool)
    corner[9:, 9:, 9:] = True  # towards the head, the front and the patient's right
    row, column = middle(Projector(corner.astype(np.int16), (1, 1, 1), plane, 64).shadow(corner))
    assert row < 0.5, "head or front at the top"
    assert column < 0.5, "right or front on the left"


@pytest.mark.parametrize(
    ("plane", "size"),
    [(Plane.CORONAL, (300, 500)), (Plane.SAGITTAL, (300, 500)), (Plane.AXIAL, (500, 500))],
)
def test_pixels_are_square_in_the_patient(plane: Plane, size: tuple[int, int]) -> None:
    image = np.zeros((40, 20, 30), dtype=np.int16)  # 200 x 120 x 120 mm
    projector = Projector(image, (5.0, 6.0, 4.0), plane, 500)
    assert projector.size_px == size
    assert projector.body().shape == projector.shadow(image > 0).shape == size[::-1]


@pytest.mark.parametrize("plane", list(Plane))
def test_a_picture_is_the_windowed_sum_along_the_rays(plane: Plane) -> None:
    image = np.random.default_rng(0).integers(-2000, 3000, (70, 70, 70)).astype(np.int16)
    low, high = BODY_HU
    sums = np.clip((image.astype(float) - low) / (high - low), 0, 1).sum(axis=plane.axis)
    seen = Projector(image, (1.0, 1.0, 1.0), plane, 70).body()
    np.testing.assert_allclose(seen, (sums / sums.max())[::-1, ::-1], atol=1e-5)


def test_red_keeps_the_ct_inside_the_mask_and_nothing_changes_outside(
    image_zyx: np.ndarray, good_zyx: np.ndarray
) -> None:
    projector = Projector(image_zyx, (5.0, 6.0, 4.0), Plane.CORONAL, 200)
    body, shadow = projector.body(), projector.shadow(good_zyx)
    plain, marked = decoded(gray_png(body)), decoded(overlay_png(body, shadow))
    assert plain.shape == marked.shape == (200, 120, 3)
    assert (marked[~shadow] == plain[~shadow]).all()
    assert (marked[shadow][:, 1:] == 0).all()
    assert marked[shadow][:, 0].min() >= 0.35 * 255 - 1
    assert shadow.sum() == pytest.approx(50 * 20, rel=0.05), "50 mm by 20 mm, a pixel a mm"


def test_an_empty_mask_leaves_the_picture_as_it_is(image_zyx: np.ndarray) -> None:
    projector = Projector(image_zyx, (5.0, 6.0, 4.0), Plane.CORONAL, 64)
    body = projector.body()
    nothing = projector.shadow(np.zeros_like(image_zyx, dtype=bool))
    assert overlay_png(body, nothing) == gray_png(body)


def test_a_scan_of_air_gives_black_pictures() -> None:
    projector = Projector(np.full((8, 8, 8), -1000, np.int16), (1, 1, 1), Plane.CORONAL, 64)
    for picture in (projector.body(), projector.skeleton()):
        assert np.isfinite(picture).all()
        assert not picture.any()


def test_the_skeleton_shows_bone_alone(image_zyx: np.ndarray) -> None:
    seen = Projector(image_zyx, (5.0, 6.0, 4.0), Plane.CORONAL, 200).skeleton()
    assert seen[:, 55:65].min() > 0.9, "the spine"
    assert seen[:, :40].max() == seen[:, 80:].max() == 0


def test_organs_of_a_real_patient_lie_where_a_radiologist_expects_them(real_ct: Path) -> None:
    folder = real_ct / "totalsegmentator"
    scans = [
        nib.as_closest_canonical(nib.load(folder / name))
        for name in ("example_ct.nii.gz", "example_seg_fast_force_split.nii.gz")
    ]
    image, labels = (np.asarray(scan.dataobj).T.astype(np.int16) for scan in scans)
    projector = Projector(image, (3.0, 3.0, 3.0), Plane.CORONAL, 512)
    assert 0.3 < projector.body()[:, 100:400].mean() < 0.9, "neither dark nor blinding"
    spleen, right, left, liver, bladder = (projector.shadow(labels == i) for i in (1, 2, 3, 5, 21))
    assert middle(liver)[1] < 0.5 < middle(spleen)[1]
    assert middle(right)[1] < 0.5 < middle(left)[1]
    assert middle(liver)[0] < middle(right)[0] < middle(bladder)[0]
