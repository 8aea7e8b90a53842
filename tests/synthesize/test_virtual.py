"""Virtual patients: other people, whose labels fit their images as those of the source did."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import Layer
from scalemai_core.synthesize import virtual
from scalemai_core.synthesize.phantoms import Phantom, PhantomSettings, make_phantom
from scalemai_core.synthesize.virtual import VirtualSettings, make_virtual
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
SEEDS = (1, 2, 3)
SETTINGS = VirtualSettings(spacing_mm=5.0)
SAME_SCANNER = {"offset_hu": 0.0, "noise_hu": 0.0, "blur_mm": 0.0}
SAME_ANATOMY = {"size": 0.0, "turn_degrees": 0.0, "bend_mm": 0.0, "ripple_mm": 0.0}


@pytest.fixture(scope="module")
def source() -> Phantom:
    return make_phantom(3, 1, PhantomSettings(spacing_mm=5.0, lesions=0.0))


@pytest.fixture(scope="module")
def others(source: Phantom) -> list[Phantom]:
    return [make(source, seed) for seed in SEEDS]


def make(source: Phantom, seed: int, settings: VirtualSettings = SETTINGS) -> Phantom:
    return make_virtual(source, f"other_{seed}", np.random.default_rng(seed), settings)


def mask(phantom: Phantom, name: str) -> NDArray[np.bool_]:
    structure = TAXONOMY[name]
    return np.isin(phantom.labels[structure.layer], TAXONOMY.member_ids(name))


def volumes_ml(phantom: Phantom) -> dict[int, float]:
    """Of every structure with voxels, by id."""
    ids, counts = np.unique(np.stack([*phantom.labels.values()]), return_counts=True)
    volumes = counts * phantom.grid.voxel_ml
    return {int(i): float(ml) for i, ml in zip(ids, volumes, strict=True) if i}


def test_one_stream_is_one_patient(source: Phantom, others: list[Phantom]) -> None:
    again = make(source, SEEDS[0])
    assert again.image_zyx.tobytes() == others[0].image_zyx.tobytes()
    assert again.grid == others[0].grid
    for layer in Layer:
        assert again.labels[layer].tobytes() == others[0].labels[layer].tobytes()


def test_other_streams_are_other_patients(source: Phantom, others: list[Phantom]) -> None:
    for one, other in zip([source, *others], [*others, source], strict=True):
        assert volumes_ml(one) != volumes_ml(other)
        assert one.info.patient != other.info.patient
    assert others[0].info.sex is source.info.sex


def test_the_source_stays_as_it_is(source: Phantom) -> None:
    before = source.image_zyx.copy()
    make(source, 5)
    np.testing.assert_array_equal(source.image_zyx, before)


def test_the_work_by_slabs_does_not_show(
    source: Phantom, others: list[Phantom], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual, "_SLAB_VOXELS", 1 << 15)
    again = make(source, SEEDS[0])
    assert again.image_zyx.tobytes() == others[0].image_zyx.tobytes()
    for layer in Layer:
        np.testing.assert_array_equal(again.labels[layer], others[0].labels[layer])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["liver", "kidney_left", "colon", "aorta"])
def test_labels_follow_the_image(source: Phantom, name: str, seed: int) -> None:
    painted = replace(source, image_zyx=np.where(mask(source, name), 1000, 0).astype(np.int16))
    other = make(painted, seed, VirtualSettings(spacing_mm=5.0, **SAME_SCANNER))
    seen, said = other.image_zyx > 500, mask(other, name)
    dice = 2 * np.count_nonzero(seen & said) / (np.count_nonzero(seen) + np.count_nonzero(said))
    assert dice > (0.8 if name == "aorta" else 0.93)


def test_every_structure_survives_at_a_plausible_volume(source: Phantom) -> None:
    uncropped = VirtualSettings(spacing_mm=5.0, crop_mm=0.0)
    before = volumes_ml(source)
    for seed in SEEDS:
        after = volumes_ml(make(source, seed, uncropped))
        large = {i for i, volume in before.items() if volume > 1.0}
        assert large <= after.keys() <= before.keys()
        ratios = np.array([after[i] / before[i] for i in large])
        assert 0.2 < ratios.min() < ratios.max() < 4.0
        assert ratios.max() > 1.3 * ratios.min(), "organs vary on their own"


def test_left_stays_left(others: list[Phantom]) -> None:
    pairs = [s for s in TAXONOMY.structures if s.name.endswith("_left") and s.pair]
    seen = 0
    for other in others:
        for left in pairs:
            columns = [np.nonzero(mask(other, name))[2] for name in (left.name, str(left.pair))]
            if all(len(x) for x in columns):
                seen += 1
                assert columns[0].mean() < columns[1].mean(), left.name
    assert seen > 20


def test_tissue_keeps_its_density(source: Phantom, others: list[Phantom]) -> None:
    for other in others:
        assert other.image_zyx.dtype == np.int16
        assert other.image_zyx.min() >= -1024
        for name in ("liver", "spleen", "autochthon_left", "lung_right"):
            hu, before = (float(p.image_zyx[mask(p, name)].mean()) for p in (other, source))
            assert hu == pytest.approx(before, abs=30 + 0.05 * abs(before)), name


def test_without_changes_it_is_the_source_itself(source: Phantom) -> None:
    same = make(
        source, 1, VirtualSettings(spacing_mm=5.0, crop_mm=0.0, **SAME_ANATOMY, **SAME_SCANNER)
    )
    np.testing.assert_array_equal(same.image_zyx, source.image_zyx)
    np.testing.assert_allclose(same.grid.matrix, source.grid.matrix, atol=1e-9)
    for layer in Layer:
        np.testing.assert_array_equal(same.labels[layer], source.labels[layer])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cropped_scan_shows_the_same_places(source: Phantom, seed: int) -> None:
    part = make(
        source, seed, VirtualSettings(spacing_mm=5.0, crop_mm=60.0, **SAME_ANATOMY, **SAME_SCANNER)
    )
    below = round((part.grid.matrix[2, 3] - source.grid.matrix[2, 3]) / 5.0)
    slices = slice(below, below + part.grid.shape_zyx[0])
    assert below > 0
    assert slices.stop < source.grid.shape_zyx[0]
    np.testing.assert_array_equal(part.image_zyx, source.image_zyx[slices])


def test_an_oblique_source_stays_oblique(source: Phantom) -> None:
    tilt = np.radians(12.0)
    matrix = source.grid.matrix
    rotation = np.eye(4)
    rotation[1:3, 1:3] = [[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]]
    tilted = replace(source, grid=Grid.of(source.grid.shape_zyx, rotation @ matrix))
    other = make(tilted, 1, VirtualSettings(spacing_mm=8.0))
    assert other.grid.shape_zyx == other.image_zyx.shape
    np.testing.assert_allclose(other.grid.spacing_mm_zyx, 8.0, rtol=0.05)
    directions = other.grid.matrix[:3, :3] / np.linalg.norm(other.grid.matrix[:3, :3], axis=0)
    np.testing.assert_allclose(directions, rotation[:3, :3], atol=1e-9)
