"""What a sample is drawn from and how it is varied: parts, tumours, mirrors, the pseudo ramp."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pytest
from memory import SHAPE, STRUCTURES, TAXONOMY, MemoryVolumes, add_case, grid_of, make_plan

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.feed.patches import PatchSource, pseudo_weight
from scalemai_core.records.label_map import Layer
from scalemai_core.records.training import Part, TrainingCase, TrainingPlan
from scalemai_core.settings.learning import InputSettings, MixSettings, TrainSettings
from scalemai_core.settings.tumours import TumourSettings
from scalemai_core.synthesize.tumour.order import Implant, TumourOrder

SMALL = InputSettings(spacing_mm=4.0, patch_zyx=(8, 8, 8))


def train(**changes: Any) -> TrainSettings:
    plain = {"foreground": 1.0, "augment": False, "steps": 50, "batch": 2}
    return TrainSettings.model_validate(plain | changes)


class SpotTumours:
    """Draws one voxel, the organ's first, and remembers what it was asked."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.asked: list[tuple[str, float, int]] = []
        self._refuses = refuses

    def order(
        self, allowed: Sequence[str], present: Collection[str], rng: np.random.Generator
    ) -> tuple[TumourOrder, str] | None:
        assert list(allowed) == ["liver_lesion"]
        assert {"liver", "spleen"} <= set(present)
        return TumourOrder("liver_lesion", "handcrafted", 10.0, int(rng.integers(99))), "liver"

    def implant(
        self,
        image_zyx: np.ndarray,
        organ_zyx: np.ndarray,
        spacing_mm: float,
        order: TumourOrder,
    ) -> Implant | None:
        self.asked.append((order.structure, spacing_mm, int(organ_zyx.sum())))
        if self._refuses:
            return None
        mask_zyx = np.zeros_like(organ_zyx)
        mask_zyx[tuple(np.argwhere(organ_zyx)[0])] = True
        return Implant(np.where(mask_zyx, np.float32(37.5), image_zyx), mask_zyx)


@pytest.fixture
def volumes() -> MemoryVolumes:
    return MemoryVolumes()


@pytest.fixture
def host(volumes: MemoryVolumes) -> TrainingCase:
    update = {"tumours": ("liver_lesion",)}
    return add_case(volumes, 0).model_copy(update=update)


def tumour_plan(case: TrainingCase, *channels: str) -> TrainingPlan:
    mix = MixSettings(trusted=0.5, reviewed=0, pseudo=0, synthetic=0.5)
    names = Channels.of((*STRUCTURES, *channels), TAXONOMY).names
    return make_plan([case], channels=names, input=SMALL, train=train(mix=mix))


def test_a_synthetic_sample_holds_a_tumour_in_its_organ(
    volumes: MemoryVolumes, host: TrainingCase
) -> None:
    tumours = SpotTumours()
    source = PatchSource(tumour_plan(host, "liver_lesion"), volumes, TAXONOMY, tumours)
    drawn = [source.patch(index) for index in range(20)]
    synthetic = [patch for patch in drawn if patch.part is Part.SYNTHETIC]
    assert len(synthetic) == 10
    for patch in synthetic:
        lesions_zyx = patch.labels[Layer.LESIONS]
        assert patch.structure == "liver_lesion"
        assert set(np.unique(lesions_zyx)) == {0, TAXONOMY["liver_lesion"].id}
        tumour_zyx = lesions_zyx > 0
        assert set(patch.labels[Layer.ANATOMY][tumour_zyx]) == {TAXONOMY["liver"].id}
        # 37.5 HU is the middle of the window.
        np.testing.assert_allclose(patch.image_zyx[tumour_zyx], 0.5, atol=1e-6)
    assert {(name, mm) for name, mm, _ in tumours.asked} == {("liver_lesion", 4.0)}
    for patch in drawn:
        assert patch.scan_id == "scan-0"
        if patch.part is Part.TRUSTED:
            assert not patch.labels[Layer.LESIONS].any()


def test_a_tumour_keeps_clear_of_lesions_that_are_there(
    volumes: MemoryVolumes, host: TrainingCase
) -> None:
    liver_zyx = volumes.labels("scan-0-anatomy") == TAXONOMY["liver"].id
    lesions_zyx = np.zeros(SHAPE, dtype=np.uint8)
    lesions_zyx[np.nonzero(liver_zyx)[0].min() :][liver_zyx[np.nonzero(liver_zyx)[0].min() :]] = (
        TAXONOMY["liver_lesion"].id
    )
    lesions_zyx[tuple(np.argwhere(liver_zyx)[-1])] = 0
    volumes.arrays["lesions"] = lesions_zyx
    case = host.model_copy(update={"label_maps": {**host.label_maps, Layer.LESIONS: "lesions"}})
    tumours = SpotTumours()
    source = PatchSource(tumour_plan(case, "liver_lesion"), volumes, TAXONOMY, tumours)
    for index in range(20):
        source.patch(index)
    assert all(free == 1 for _, _, free in tumours.asked)


def test_where_there_is_no_room_the_organ_is_left_as_it_is(
    volumes: MemoryVolumes, host: TrainingCase
) -> None:
    plan = tumour_plan(host, "liver_lesion")
    source = PatchSource(plan, volumes, TAXONOMY, SpotTumours(refuses=True))
    synthetic = [p for p in map(source.patch, range(20)) if p.part is Part.SYNTHETIC]
    assert {patch.structure for patch in synthetic} == {"liver"}
    assert not any(patch.labels[Layer.LESIONS].any() for patch in synthetic)


def test_organs_are_read_for_tumours_though_no_channel_learns_them(
    volumes: MemoryVolumes, host: TrainingCase
) -> None:
    plan = tumour_plan(host).model_copy(update={"channels": {Layer.LESIONS: ("liver_lesion",)}})
    source = PatchSource(plan, volumes, TAXONOMY, SpotTumours())
    synthetic = [p for p in map(source.patch, range(20)) if p.part is Part.SYNTHETIC]
    assert len(synthetic) == 10
    assert all(
        list(p.labels) == [Layer.LESIONS] and p.labels[Layer.LESIONS].any() for p in synthetic
    )


def test_no_tumour_is_drawn_that_no_channel_learns(
    volumes: MemoryVolumes, host: TrainingCase
) -> None:
    source = PatchSource(tumour_plan(host), volumes, TAXONOMY, SpotTumours())
    assert {source.patch(index).part for index in range(20)} == {Part.TRUSTED}


def test_the_engine_draws_tumours_of_its_own(volumes: MemoryVolumes, host: TrainingCase) -> None:
    plan = tumour_plan(host, "liver_lesion").model_copy(
        update={
            "input": InputSettings(spacing_mm=4.0, patch_zyx=(24, 24, 32)),
            "tumours": TumourSettings(),
        }
    )
    one, other = (PatchSource(plan, volumes, TAXONOMY) for _ in range(2))
    drawn = [one.patch(index) for index in range(20)]
    tumours = [patch for patch in drawn if patch.structure == "liver_lesion"]
    assert len(tumours) >= 5
    for patch in tumours:
        tumour_zyx = patch.labels[Layer.LESIONS] > 0
        assert set(patch.labels[Layer.ANATOMY][tumour_zyx]) == {TAXONOMY["liver"].id}
    for index in reversed(range(20)):
        assert np.array_equal(other.patch(index).image_zyx, drawn[index].image_zyx)


def test_a_sample_is_centred_in_what_its_part_is_made_of(volumes: MemoryVolumes) -> None:
    case = add_case(volumes, 1).model_copy(update={"reviewed": ("spleen",), "pseudo": ("aorta",)})
    tiny = InputSettings(spacing_mm=4.0, patch_zyx=(4, 4, 4))
    source = PatchSource(make_plan([case], input=tiny, train=train()), volumes, TAXONOMY)
    seen = {(p.part, p.structure) for p in map(source.patch, range(40))}
    assert seen == {
        (Part.TRUSTED, "liver"),
        (Part.REVIEWED, "spleen"),
        (Part.PSEUDO, "aorta"),
    }


def test_masks_of_models_gain_weight_as_training_goes_on(volumes: MemoryVolumes) -> None:
    case = add_case(volumes, 1).model_copy(
        update={"pseudo": ("spleen", "aorta"), "weights": {"spleen": 0.5, "liver": 0.9}}
    )
    settings = train(mix=MixSettings(pseudo_ramp=0.5))
    plan = make_plan([case], input=SMALL, train=settings)
    assert plan.samples == 100
    source = PatchSource(plan, volumes, TAXONOMY)

    def weights(index: int) -> dict[str, float]:
        allowed = source.patch(index).allowed
        return {
            name: float(weight)
            for layer in source.channels.layers
            for name, weight in zip(layer.names, allowed[layer.layer].weight[1:], strict=True)
        }

    assert weights(0) == pytest.approx({"spleen": 0.0, "liver": 0.9, "aorta": 0.0})
    assert weights(25) == pytest.approx({"spleen": 0.125, "liver": 0.9, "aorta": 0.25})
    assert weights(50) == weights(99) == pytest.approx({"spleen": 0.5, "liver": 0.9, "aorta": 1.0})


def test_the_ramp_rises_as_a_square_to_one() -> None:
    assert [pseudo_weight(done, 0.2) for done in (0.0, 0.1, 0.2, 1.0)] == [0.0, 0.25, 1.0, 1.0]
    assert pseudo_weight(0.0, 0.0) == 1.0


def mirror_pair(
    volumes: MemoryVolumes, painted: dict[str, int], unknown: tuple[str, ...] = ()
) -> PatchSource:
    """Boxes of structures by first x, in a scan that fills the patch."""
    labels_zyx = np.zeros((8, 8, 16), dtype=np.uint8)
    for name, first_x in painted.items():
        labels_zyx[2:6, 2:6, first_x : first_x + 3] = TAXONOMY[name].id
    image_zyx = np.broadcast_to(np.arange(16, dtype=np.int16) * 10, (8, 8, 16))
    volumes.arrays |= {"s": image_zyx, "l": labels_zyx}
    case = TrainingCase(
        scan_id="s",
        patient="p",
        grid=grid_of(4.0, (8, 8, 16)),
        label_maps={Layer.ANATOMY: "l"},
        unknown=unknown,
        weights={"kidney_left": 0.25},
    )
    names = ("kidney_left", "kidney_right", "femur_left", "femur_right", "liver")
    plan = make_plan(
        [case],
        channels=Channels.of(names, TAXONOMY).names,
        input=InputSettings(spacing_mm=4.0, patch_zyx=(8, 8, 16)),
        train=train(mirror=True),
    )
    return PatchSource(plan, volumes, TAXONOMY)


def test_a_mirrored_patch_swaps_sides_in_labels_weights_and_what_is_unknown(
    volumes: MemoryVolumes,
) -> None:
    source = mirror_pair(volumes, {"kidney_left": 1, "liver": 9}, unknown=("femur_left",))
    (layer,) = source.channels.layers
    patches = [source.patch(index) for index in range(40)]
    mirrored = [p for p in patches if p.image_zyx[0, 0, 0] > p.image_zyx[0, 0, -1]]
    assert 10 <= len(mirrored) <= 30
    labels_zyx = volumes.arrays["l"]
    for patch in patches:
        flipped = patch.image_zyx[0, 0, 0] > patch.image_zyx[0, 0, -1]
        allowed = patch.allowed[Layer.ANATOMY]
        weight = dict(zip(layer.names, allowed.weight[1:].tolist(), strict=True))
        known = dict(zip(layer.names, allowed.known[1:].tolist(), strict=True))
        kidney, other = ("kidney_left", "kidney_right")[:: -1 if flipped else 1]
        assert (weight[kidney], weight[other]) == (0.25, 1.0)
        assert known["femur_left"] == flipped
        assert known["femur_right"] != flipped
        assert patch.structure in {kidney, "liver"}
        found_zyx = patch.labels[Layer.ANATOMY][:, :, :: -1 if flipped else 1]
        expected_zyx = labels_zyx.copy()
        expected_zyx[expected_zyx == TAXONOMY["kidney_left"].id] = TAXONOMY[kidney].id
        assert np.array_equal(found_zyx, expected_zyx)
        assert patch.image_zyx.flags.c_contiguous


def test_a_patch_with_a_structure_of_one_side_alone_is_never_mirrored(
    volumes: MemoryVolumes,
) -> None:
    alone = next(s.name for s in TAXONOMY.structures if s.side and not s.pair)
    source = mirror_pair(volumes, {alone: 1, "liver": 9})
    for index in range(20):
        image_zyx = source.patch(index).image_zyx
        assert image_zyx[0, 0, 0] < image_zyx[0, 0, -1]
