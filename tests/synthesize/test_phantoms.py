"""Phantom patients: deterministic, and anatomically what their labels say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.records.label_map import Layer
from scalemai_core.synthesize.lesions import LESION_NUMBERS
from scalemai_core.synthesize.phantoms import (
    PHANTOM_STRUCTURES,
    Phantom,
    PhantomSettings,
    make_phantom,
)
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
PATIENTS = [(0, 0), (0, 1), (7, 2), (7, 13), (101, 4)]
ALWAYS = tuple(name for name in PHANTOM_STRUCTURES if name not in {*LESION_NUMBERS, "vertebrae_T9"})


@pytest.fixture(scope="module", params=PATIENTS, ids=lambda key: f"seed{key[0]}-{key[1]}")
def phantom(request: pytest.FixtureRequest) -> Phantom:
    """One patient at the default spacing."""
    seed, index = request.param
    return make_phantom(seed, index, PhantomSettings())


def mask(phantom: Phantom, name: str) -> NDArray[np.bool_]:
    """Voxels of a structure and its parts."""
    labels_zyx = phantom.labels[TAXONOMY[name].layer]
    return np.isin(labels_zyx, TAXONOMY.member_ids(name))


def centre_mm(phantom: Phantom, name: str) -> NDArray[np.float64]:
    """Centroid in RAS mm."""
    z, y, x = np.argwhere(mask(phantom, name)).mean(axis=0)
    return (phantom.grid.matrix @ np.array([x, y, z, 1.0]))[:3]


def mean_hu(phantom: Phantom, name: str) -> float:
    return float(phantom.image_zyx[mask(phantom, name)].mean())


def test_the_same_seed_and_index_give_the_same_bytes() -> None:
    first = make_phantom(5, 3, PhantomSettings())
    again = make_phantom(5, 3, PhantomSettings())
    assert first.image_zyx.tobytes() == again.image_zyx.tobytes()
    assert first.grid == again.grid
    assert first.info == again.info
    for layer in Layer:
        assert first.labels[layer].tobytes() == again.labels[layer].tobytes()


@pytest.mark.parametrize("other", [(5, 4), (6, 3)])
def test_another_index_or_seed_is_another_patient(other: tuple[int, int]) -> None:
    first, second = make_phantom(5, 3, PhantomSettings()), make_phantom(*other, PhantomSettings())
    assert first.info.patient != second.info.patient
    assert (first.labels[Layer.ANATOMY] != second.labels[Layer.ANATOMY]).mean() > 0.02


def test_arrays_have_the_types_and_shape_of_the_grid(phantom: Phantom) -> None:
    assert phantom.image_zyx.dtype == np.int16
    assert phantom.image_zyx.shape == phantom.grid.shape_zyx == (96, 64, 88)
    assert set(phantom.labels) == set(Layer)
    for labels_zyx in phantom.labels.values():
        assert labels_zyx.dtype == np.uint8
        assert labels_zyx.shape == phantom.grid.shape_zyx
    assert phantom.grid.spacing_mm_zyx == (4.0, 4.0, 4.0)


def test_every_id_stands_in_the_layer_that_the_taxonomy_gives_it(phantom: Phantom) -> None:
    for layer, labels_zyx in phantom.labels.items():
        allowed = {
            TAXONOMY[name].id for name in PHANTOM_STRUCTURES if TAXONOMY[name].layer is layer
        }
        assert set(np.unique(labels_zyx).tolist()) - {0} <= allowed


def test_every_structure_is_there_in_the_full_field(phantom: Phantom) -> None:
    assert len(PHANTOM_STRUCTURES) >= 26
    missing = [name for name in ALWAYS if not mask(phantom, name).any()]
    assert missing == []


def test_volumes_and_hu_are_plausible(phantom: Phantom) -> None:
    cut_by_the_field = {"heart"}
    for name in (*ALWAYS, "pancreas"):
        structure = TAXONOMY[name]
        low_hu, high_hu = structure.hu
        assert low_hu <= mean_hu(phantom, name) <= high_hu, name
        low_ml, high_ml = structure.volume_ml
        volume_ml = np.count_nonzero(mask(phantom, name)) * phantom.grid.voxel_ml
        assert volume_ml <= high_ml, name
        assert volume_ml >= low_ml or name in cut_by_the_field, name


def test_paired_organs_are_on_their_own_side(phantom: Phantom) -> None:
    pairs = [name for name in ALWAYS if name.endswith("_left") and TAXONOMY[name].pair in ALWAYS]
    assert len(pairs) >= 8
    for name in pairs:
        partner = TAXONOMY[name].pair
        assert partner is not None
        left, right = centre_mm(phantom, name), centre_mm(phantom, partner)
        # World x grows to the patient's right, and so does the array's last axis.
        assert left[0] < right[0] - 15, name
    kidney_left, kidney_right = mask(phantom, "kidney_left"), mask(phantom, "kidney_right")
    assert np.argwhere(kidney_left)[:, 2].max() < np.argwhere(kidney_right)[:, 2].min()


def test_unpaired_organs_are_where_they_belong(phantom: Phantom) -> None:
    x_mm = {name: centre_mm(phantom, name)[0] for name in ALWAYS}
    z_mm = {name: centre_mm(phantom, name)[2] for name in ALWAYS}
    assert x_mm["liver"] > x_mm["aorta"] + 20
    assert x_mm["gall_bladder"] > x_mm["aorta"] + 20
    assert x_mm["spleen"] < x_mm["aorta"] - 40
    assert x_mm["stomach"] < x_mm["aorta"]
    assert x_mm["postcava"] > x_mm["aorta"] + 10
    assert x_mm["pancreas_head"] > x_mm["pancreas_body"] > x_mm["pancreas_tail"]
    assert z_mm["lung_right"] > z_mm["liver"] > z_mm["colon"] > z_mm["bladder"]
    assert z_mm["bladder"] < min(z_mm["kidney_left"], z_mm["kidney_right"]) - 100


def test_the_spine_stands_in_order(phantom: Phantom) -> None:
    order = [f"vertebrae_{level}" for level in ("T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5")]
    heights = [centre_mm(phantom, name)[2] for name in (*order, "sacrum")]
    assert np.all(np.diff(heights) < -15)


def test_the_gall_bladder_touches_or_nears_the_liver(phantom: Phantom) -> None:
    away_mm = ndimage.distance_transform_edt(
        ~mask(phantom, "liver"), sampling=phantom.grid.spacing_mm_zyx
    )
    assert np.asarray(away_mm)[mask(phantom, "gall_bladder")].min() <= 8.0


def test_the_pancreas_is_one_piece_of_three_neighbours(phantom: Phantom) -> None:
    pieces = np.zeros(phantom.grid.shape_zyx, dtype=np.int32)
    ndimage.label(mask(phantom, "pancreas"), np.ones((3, 3, 3)), output=pieces)
    sizes = np.bincount(pieces.ravel())[1:]
    assert sizes.max() / sizes.sum() > 0.95
    around_body = np.asarray(
        ndimage.binary_dilation(mask(phantom, "pancreas_body"), iterations=2), dtype=np.bool_
    )
    assert (around_body & mask(phantom, "pancreas_head")).any()
    assert (around_body & mask(phantom, "pancreas_tail")).any()


def test_lesions_lie_in_the_organ_that_they_belong_to() -> None:
    found: set[str] = set()
    for index in range(6):
        phantom = make_phantom(2, index, PhantomSettings(spacing_mm=6.0, lesions=8.0))
        for name in LESION_NUMBERS:
            lesion = mask(phantom, name)
            hosts = [mask(phantom, host) for host in TAXONOMY[name].inside]
            if lesion.any():
                found.add(name)
                assert not (lesion & ~np.logical_or.reduce(hosts)).any(), name
    assert found == set(LESION_NUMBERS)


def test_a_factor_of_zero_leaves_everyone_healthy() -> None:
    for index in range(3):
        phantom = make_phantom(2, index, PhantomSettings(spacing_mm=8.0, lesions=0.0))
        assert not phantom.labels[Layer.LESIONS].any()


def test_contrast_follows_the_phase() -> None:
    phantoms = [make_phantom(4, index, PhantomSettings(spacing_mm=8.0)) for index in range(12)]
    aorta = {phantom.info.phase: mean_hu(phantom, "aorta") for phantom in phantoms}
    portal = {
        phantom.info.phase: mean_hu(phantom, "portal_vein_and_splenic_vein") for phantom in phantoms
    }
    assert set(aorta) == {"none", "arterial", "venous"}
    assert aorta["arterial"] > aorta["venous"] + 50 > aorta["none"] + 100
    assert portal["venous"] > portal["arterial"] + 20


@pytest.mark.parametrize("spacing", [3.0, (3.0, 5.0, 5.0)])
def test_anatomy_does_not_depend_on_the_spacing(
    spacing: float | tuple[float, float, float],
) -> None:
    usual = make_phantom(9, 1, PhantomSettings())
    other = make_phantom(9, 1, PhantomSettings(spacing_mm=spacing))
    expected = spacing if isinstance(spacing, tuple) else (spacing,) * 3
    assert other.grid.spacing_mm_zyx == pytest.approx(expected)
    for name in ("liver", "spleen", "kidney_left", "vertebrae_L2", "colon", "pancreas"):
        ratio = (
            np.count_nonzero(mask(usual, name))
            * usual.grid.voxel_ml
            / (np.count_nonzero(mask(other, name)) * other.grid.voxel_ml)
        )
        assert 0.9 < ratio < 1.1, name
        assert np.linalg.norm(centre_mm(usual, name) - centre_mm(other, name)) < 2.0, name


def test_a_short_scan_ends_above_the_pelvis_and_keeps_the_upper_abdomen() -> None:
    full = make_phantom(3, 0, PhantomSettings())
    short = make_phantom(3, 0, PhantomSettings(short_share=1.0))
    depth = short.image_zyx.shape[0]
    assert depth == 56
    assert not mask(short, "bladder").any()
    assert mask(short, "liver").sum() == mask(full, "liver").sum()
    for layer in Layer:
        np.testing.assert_array_equal(short.labels[layer], full.labels[layer][-depth:])
    np.testing.assert_allclose(short.grid.matrix[:2], full.grid.matrix[:2])


def test_noise_is_a_setting_and_nothing_else_changes_with_it() -> None:
    usual = make_phantom(3, 0, PhantomSettings(spacing_mm=6.0))
    quiet = make_phantom(3, 0, PhantomSettings(spacing_mm=6.0, noise=0.2))
    liver = np.asarray(ndimage.binary_erosion(mask(usual, "liver"), iterations=3), dtype=np.bool_)
    assert quiet.image_zyx[liver].std() < 0.7 * usual.image_zyx[liver].std()
    for layer in Layer:
        np.testing.assert_array_equal(usual.labels[layer], quiet.labels[layer])
