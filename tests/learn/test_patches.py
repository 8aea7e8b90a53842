"""Patches: what they hold, and that nothing but seed and index decides it."""

from __future__ import annotations

import numpy as np
import pytest
from memory import (
    SHAPE,
    STRUCTURES,
    TAXONOMY,
    MemoryVolumes,
    add_case,
    grid_of,
    make_plan,
)

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.feed.patches import Patch, PatchSource
from scalemai_core.records.label_map import Layer
from scalemai_core.records.training import TrainingCase, TrainingPlan
from scalemai_core.settings.learning import InputSettings, TrainSettings


def source_of(plan: TrainingPlan, volumes: MemoryVolumes) -> PatchSource:
    return PatchSource(plan, volumes, TAXONOMY)


def equal(one: Patch, other: Patch) -> bool:
    return np.array_equal(one.image_zyx, other.image_zyx) and all(
        np.array_equal(one.labels[layer], other.labels[layer]) for layer in one.labels
    )


@pytest.fixture
def volumes() -> MemoryVolumes:
    return MemoryVolumes()


@pytest.fixture
def cases(volumes: MemoryVolumes) -> list[TrainingCase]:
    return [add_case(volumes, seed) for seed in range(4)]


@pytest.mark.parametrize("patch_zyx", [(24, 24, 32), (8, 8, 8)])
def test_a_patch_depends_on_seed_and_index_only(
    volumes: MemoryVolumes, cases: list[TrainingCase], patch_zyx: tuple[int, int, int]
) -> None:
    plan = make_plan(
        cases,
        input=InputSettings(spacing_mm=4.0, patch_zyx=patch_zyx),
        train=TrainSettings(augment=True),
    )
    first, second = source_of(plan, volumes), source_of(plan, volumes)
    forward = [first.patch(index) for index in range(8)]
    backward = [second.patch(index) for index in reversed(range(8))][::-1]
    assert all(equal(one, other) for one, other in zip(forward, backward, strict=True))
    other_seed = source_of(plan.model_copy(update={"seed": 1}), volumes)
    assert not any(equal(one, other_seed.patch(index)) for index, one in enumerate(forward))


def test_a_patch_that_covers_the_scan_holds_it_unchanged(
    volumes: MemoryVolumes, cases: list[TrainingCase]
) -> None:
    patch = source_of(make_plan(cases[:1]), volumes).patch(0)
    image_zyx = np.clip((volumes.arrays["scan-0"] + 175.0) / 425.0, 0, 1)
    assert patch.image_zyx.shape == (24, 24, 32)
    np.testing.assert_allclose(patch.image_zyx[:, 2:22, 2:30], image_zyx, atol=1e-6)
    assert np.array_equal(
        patch.labels[Layer.ANATOMY][:, 2:22, 2:30], volumes.labels("scan-0-anatomy")
    )
    assert patch.labels[Layer.ANATOMY].sum() == volumes.labels("scan-0-anatomy").sum()


def test_every_case_comes_once_an_epoch(volumes: MemoryVolumes, cases: list[TrainingCase]) -> None:
    source = source_of(make_plan(cases), volumes)
    for epoch in range(3):
        patches = [source.patch(4 * epoch + place) for place in range(4)]
        sums = sorted(float(patch.image_zyx.sum()) for patch in patches)
        assert len(set(sums)) == 4


def test_a_box_reads_only_the_voxels_it_covers(
    volumes: MemoryVolumes, cases: list[TrainingCase]
) -> None:
    read: list[int] = []

    class Watched:
        shape = SHAPE

        def __getitem__(self, box: tuple[slice, ...]) -> np.ndarray:
            part = np.asarray(volumes.arrays["scan-0"][box])
            read.append(part.size)
            return part

    class WatchedVolumes(MemoryVolumes):
        def image(self, scan_id: str) -> Watched:  # pyright: ignore[reportIncompatibleMethodOverride]
            return Watched()

    watched = WatchedVolumes(volumes.arrays)
    plan = make_plan(cases[:1], input=InputSettings(spacing_mm=4.0, patch_zyx=(8, 8, 8)))
    patch = source_of(plan, watched).patch(0)
    assert read == [512]
    assert patch.image_zyx.shape == (8, 8, 8)


def test_patches_are_centred_in_known_structures(
    volumes: MemoryVolumes, cases: list[TrainingCase]
) -> None:
    case = cases[0].model_copy(update={"unknown": ("spleen", "liver")})
    plan = make_plan(
        [case],
        input=InputSettings(spacing_mm=4.0, patch_zyx=(4, 4, 4)),
        train=TrainSettings(foreground=1.0, augment=False),
    )
    source = source_of(plan, volumes)
    for index in range(12):
        assert source.patch(index).labels[Layer.VESSELS].any()


def test_small_lesions_are_centred_in_as_often_as_large_ones(
    volumes: MemoryVolumes, cases: list[TrainingCase]
) -> None:
    lesions_zyx = np.zeros(SHAPE, dtype=np.uint8)
    lesions_zyx[2, 2, 2] = TAXONOMY["kidney_cyst"].id
    lesions_zyx[10:20, 8:18, 12:24] = TAXONOMY["kidney_cyst"].id
    volumes.arrays["lesions"] = lesions_zyx
    maps = {**cases[0].label_maps, Layer.LESIONS: "lesions"}
    names = Channels.of((*STRUCTURES, "kidney_cyst"), TAXONOMY).names
    plan = make_plan(
        [cases[0].model_copy(update={"label_maps": maps})],
        channels=names,
        input=InputSettings(spacing_mm=4.0, patch_zyx=(4, 4, 4)),
        train=TrainSettings(lesions=0.8, foreground=0.0, augment=False),
    )
    source = source_of(plan, volumes)
    voxels = [int((source.patch(i).labels[Layer.LESIONS] > 0).sum()) for i in range(100)]
    assert 25 <= voxels.count(1) <= 55
    assert 25 <= sum(number > 1 for number in voxels) <= 65
    assert voxels.count(0) >= 5


def test_a_scan_without_lesions_is_centred_in_its_structures(
    volumes: MemoryVolumes, cases: list[TrainingCase]
) -> None:
    plan = make_plan(
        cases[:1],
        input=InputSettings(spacing_mm=4.0, patch_zyx=(4, 4, 4)),
        train=TrainSettings(lesions=1.0, foreground=0.0, augment=False),
    )
    source = source_of(plan, volumes)
    for index in range(12):
        labels = source.patch(index).labels
        assert labels[Layer.VESSELS].any() or labels[Layer.ANATOMY].any()


def test_resampling_keeps_the_labels_on_the_image(volumes: MemoryVolumes) -> None:
    shape = (16, 16, 16)
    image_zyx = np.full(shape, -175, dtype=np.int16)
    labels_zyx = np.zeros(shape, dtype=np.uint8)
    image_zyx[4:12, 4:12, 8:12] = 250
    labels_zyx[4:12, 4:12, 8:12] = TAXONOMY["spleen"].id
    volumes.arrays |= {"s": image_zyx, "l": labels_zyx}
    case = TrainingCase(
        scan_id="s",
        patient="p",
        grid=grid_of(2.0, shape),
        label_maps={Layer.ANATOMY: "l", Layer.VESSELS: None},
    )
    plan = make_plan(
        [case],
        input=InputSettings(spacing_mm=1.0, patch_zyx=(12, 12, 12)),
        train=TrainSettings(foreground=1.0, augment=False),
    )
    patch = source_of(plan, volumes).patch(0)
    spleen = patch.labels[Layer.ANATOMY] > 0
    assert 0 < spleen.sum() < spleen.size
    assert np.array_equal(patch.image_zyx > 1 / 3, spleen)
    assert not patch.labels[Layer.VESSELS].any()


def test_augmentation_never_mirrors(volumes: MemoryVolumes, cases: list[TrainingCase]) -> None:
    plan = make_plan(cases[:1], train=TrainSettings(augment=True))
    source = source_of(plan, volumes)
    for index in range(20):
        labels_zyx = source.patch(index).labels[Layer.ANATOMY]
        spleen = np.nonzero(labels_zyx == TAXONOMY["spleen"].id)[2].mean()
        liver = np.nonzero(labels_zyx == TAXONOMY["liver"].id)[2].mean()
        assert spleen < liver
