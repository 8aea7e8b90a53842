"""Tumours of the automaton in a CT: what changes, what never does, how they grow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.settings.tumours import TumourSettings
from scalemai_core.synthesize.tumour.attenuation import Contrast, Tumour, attenuated
from scalemai_core.synthesize.tumour.automaton import Stage, grow_stages, grow_tumour
from scalemai_core.synthesize.tumour.growth import BARRIER, HARD, SOFT, WALL
from scalemai_core.synthesize.tumour.order import TumourOrder
from scalemai_core.synthesize.tumour.plot import Bed
from scalemai_core.synthesize.tumour.tissue import Tissue, mean_chance, tissue_of

SETTINGS = TumourSettings()
LIVER_HU, VESSEL_HU, NOISE_HU = 112.0, 190.0, 10.0
Shape = tuple[int, int, int]


def liver(shape_zyx: Shape, spacing_mm: float | tuple[float, float, float] = 1.0) -> Bed:
    """An ellipsoid with a vessel through it, in fat."""
    spacing = np.broadcast_to(np.array(spacing_mm, float), 3)
    extent_mm = np.array(shape_zyx) * spacing
    z, y, x = (
        ((np.arange(size) + 0.5) * edge - extent / 2) / (0.45 * extent)
        for size, edge, extent in zip(shape_zyx, spacing, extent_mm, strict=True)
    )
    organ_zyx = z[:, None, None] ** 2 + y[:, None] ** 2 + x**2 < 1.0
    noise = np.random.default_rng(0).normal(0, NOISE_HU, shape_zyx)
    image_zyx = np.where(organ_zyx, LIVER_HU, -90.0) + noise
    vessel = np.broadcast_to(np.abs(y[:, None] - 0.2) < 0.04, shape_zyx) & organ_zyx
    image_zyx[vessel] += VESSEL_HU - LIVER_HU
    return Bed(image_zyx.astype(np.float32), organ_zyx, tuple(spacing.tolist()))


def order(diameter_mm: float, seed: int = 0) -> TumourOrder:
    return TumourOrder("liver_lesion", "automaton", diameter_mm, seed)


def sphere_mm(mask_zyx: NDArray[np.bool_], spacing_mm: float = 1.0) -> float:
    return float(np.cbrt(6.0 * mask_zyx.sum() * spacing_mm**3 / np.pi))


def stages(bed: Bed, diameters_mm: tuple[float, ...], seed: int) -> list[Stage]:
    return list(grow_stages(bed, order(max(diameters_mm), seed), diameters_mm, SETTINGS))


def with_necrosis(bed: Bed, diameters_mm: tuple[float, ...]) -> list[Stage]:
    return next(
        grown for seed in range(20) if (grown := stages(bed, diameters_mm, seed))[-1].dead_zyx.any()
    )


BED = liver((72, 72, 72))


@pytest.mark.parametrize("diameter_mm", [7.0, 15.0, 28.0])
def test_a_tumour_has_the_ordered_volume_and_lies_in_its_organ(diameter_mm: float) -> None:
    for seed in range(4):
        implant = grow_tumour(BED.image_zyx, BED.organ_zyx, 1.0, order(diameter_mm, seed), SETTINGS)
        assert implant is not None
        assert not (implant.mask_zyx & ~BED.organ_zyx).any()
        assert sphere_mm(implant.mask_zyx) == pytest.approx(diameter_mm, rel=0.06)
        assert implant.image_zyx.dtype == np.float32


def test_hu_change_only_in_the_organ_within_a_voxel_of_the_tumour() -> None:
    for seed in range(4):
        implant = grow_tumour(BED.image_zyx, BED.organ_zyx, 1.0, order(20.0, seed), SETTINGS)
        assert implant is not None
        changed = implant.image_zyx != BED.image_zyx
        blur = ndimage.binary_dilation(implant.mask_zyx, np.ones((1, 3, 3)))
        assert not (changed & ~(blur & BED.organ_zyx)).any()
        assert changed[implant.mask_zyx].mean() > 0.99
        drop = (BED.image_zyx - implant.image_zyx)[implant.mask_zyx].mean()
        assert 12.0 < drop < 100.0


def test_what_is_given_stays_as_it_is() -> None:
    before = BED.image_zyx.copy(), BED.organ_zyx.copy()
    grow_tumour(BED.image_zyx, BED.organ_zyx, 1.0, order(20.0), SETTINGS)
    np.testing.assert_array_equal(BED.image_zyx, before[0])
    np.testing.assert_array_equal(BED.organ_zyx, before[1])


def test_the_same_order_gives_the_same_bytes_on_any_thread() -> None:
    def drawn(seed: int) -> tuple[bytes, bytes]:
        implant = grow_tumour(BED.image_zyx, BED.organ_zyx, 1.0, order(14.0, seed), SETTINGS)
        assert implant is not None
        return implant.image_zyx.tobytes(), implant.mask_zyx.tobytes()

    alone = [drawn(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(drawn, range(4))) == alone
    assert len({mask for _, mask in alone}) == 4


def test_a_tumour_begins_where_it_is_ordered_to() -> None:
    ordered = replace(order(10.0), centre_zyx=(30, 34, 24))
    implant = grow_tumour(BED.image_zyx, BED.organ_zyx, 1.0, ordered, SETTINGS)
    assert implant is not None
    assert implant.mask_zyx[30, 34, 24]


def test_without_an_organ_or_with_a_speck_of_one_there_is_no_tumour() -> None:
    none_zyx = np.zeros_like(BED.organ_zyx)
    assert grow_tumour(BED.image_zyx, none_zyx, 1.0, order(10.0), SETTINGS) is None
    none_zyx[36, 36, 30:36] = True
    assert grow_tumour(BED.image_zyx, none_zyx, 1.0, order(10.0), SETTINGS) is None


def test_a_time_series_is_one_tumour_that_only_grows() -> None:
    wanted_mm = (6.0, 10.0, 16.0, 24.0)
    for seed in range(3):
        grown = stages(BED, wanted_mm, seed)
        assert [stage.wanted_mm for stage in grown] == list(wanted_mm)
        for stage, later in pairwise(grown):
            assert not (stage.mask_zyx & ~later.mask_zyx).any()
            assert not (stage.dead_zyx & ~later.dead_zyx).any()
            assert stage.num_steps < later.num_steps
        found_mm = [sphere_mm(stage.mask_zyx) for stage in grown]
        assert found_mm == pytest.approx(wanted_mm, rel=0.1)
        (alone,) = grow_stages(BED, order(24.0, seed), (24.0,), SETTINGS)
        assert sphere_mm(alone.mask_zyx) == pytest.approx(found_mm[-1], rel=0.05)


def test_a_dead_core_is_labelled_tumour_and_darker_than_the_rest() -> None:
    small, large = with_necrosis(BED, (15.0, 32.0))
    assert not small.dead_zyx.any()
    assert (large.mask_zyx | ~large.dead_zyx).all()
    core = ndimage.binary_erosion(large.dead_zyx)
    alive = ndimage.binary_erosion(large.mask_zyx & ~large.dead_zyx)
    assert large.image_zyx[core].mean() < large.image_zyx[alive].mean() - 15.0
    assert large.image_zyx[core].mean() > -10.0


@pytest.mark.parametrize(
    ("shape_zyx", "spacing_mm"),
    [((48, 48, 48), 1.5), ((90, 90, 90), 0.8), ((15, 90, 90), (5.0, 0.8, 0.8))],
)
def test_sizes_are_mm_on_any_grid(
    shape_zyx: Shape, spacing_mm: float | tuple[float, float, float]
) -> None:
    bed = liver(shape_zyx, spacing_mm)
    voxel_mm3 = float(np.prod(bed.spacing_mm_zyx))
    for seed in range(3):
        (stage,) = stages(bed, (22.0,), seed)
        assert sphere_mm(stage.mask_zyx, voxel_mm3 ** (1 / 3)) == pytest.approx(22.0, rel=0.08)


def test_legacy_tumours_pay_no_heed_to_hard_tissue() -> None:
    hard = replace(BED, image_zyx=np.where(BED.organ_zyx, 145.0, -90.0).astype(np.float32))
    steps = [
        next(grow_stages(hard, order(20.0), (20.0,), chosen)).num_steps
        for chosen in (SETTINGS, TumourSettings(legacy_probabilities=True))
    ]
    assert steps[0] > 1.6 * steps[1]


def test_levels_follow_the_published_limits_in_the_portal_venous_phase() -> None:
    tissue = tissue_of("liver_lesion", np.array([90.0, 115.0, 120.0], np.float32))
    assert (tissue.low_hu, tissue.high_hu, tissue.interval_hu) == (100.0, 160.0, 20.0)
    image_zyx = np.array([[[-80, 119.5, 120, 139.5, 140, 159.5, 160, 300, 120]]], np.float32)
    organ_zyx = np.ones(image_zyx.shape, np.bool_)
    organ_zyx[..., -1] = False
    levels_zyx = tissue.levels(image_zyx, organ_zyx)
    assert levels_zyx.ravel().tolist() == [0, 0, 1, 1, 2, 2, 3, 3, WALL]
    assert mean_chance(levels_zyx) == pytest.approx((2 * 1.0 + 2 * 0.3 + 2 * 0.1) / 8)


def test_levels_follow_percentiles_in_another_phase() -> None:
    hu = np.random.default_rng(0).normal(55.0, 20.0, 20_000).astype(np.float32)
    tissue = tissue_of("liver_lesion", hu)
    assert tissue.low_hu == pytest.approx(np.percentile(hu, 10), abs=0.1)
    assert tissue.high_hu == pytest.approx(np.percentile(hu, 97), abs=0.1)
    flat = tissue_of("liver_lesion", np.full(10, 50.0, np.float32))
    assert flat.high_hu - flat.low_hu >= 30.0


def test_vessels_inside_lose_their_blood_and_contrast_is_a_share_of_the_texture() -> None:
    shape_zyx = (1, 1, 4)
    tumour = Tumour(
        share_zyx=np.array([[[1.0, 1.0, 1.0, 0.0]]], np.float32),
        dead_zyx=np.array([[[0.0, 1.0, 0.0, 0.0]]], np.float32),
        levels_zyx=np.array([[[SOFT, SOFT, BARRIER, HARD]]], np.uint8),
        texture_zyx=np.full(shape_zyx, 0.5, np.float32),
        pattern_zyx=np.zeros(shape_zyx, np.float32),
    )
    image_zyx = np.array([[[110.0, 110.0, 160.0, 150.0]]], np.float32)
    contrast = Contrast(solid_hu=60.0, necrosis_hu=100.0, fill=1.0)
    found = attenuated(image_zyx, tumour, Tissue(100.0, 160.0), contrast, fatty=False).ravel()
    assert found[:2] == pytest.approx([80.0, 30.0])
    assert 30.0 < found[2] < 110.0  # a barrier at 160 HU comes down to 110 before the drop
    assert found[3] == 150.0


def test_fat_inside_a_pancreas_is_filled() -> None:
    tumour = Tumour(
        share_zyx=np.ones((1, 3, 3), np.float32),
        dead_zyx=np.zeros((1, 3, 3), np.float32),
        levels_zyx=np.zeros((1, 3, 3), np.uint8),
        texture_zyx=np.full((1, 3, 3), 0.5, np.float32),
        pattern_zyx=np.zeros((1, 3, 3), np.float32),
    )
    image_zyx = np.full((1, 3, 3), 100.0, np.float32)
    image_zyx[0, 1, 1] = -60.0
    contrast = Contrast(solid_hu=40.0, necrosis_hu=100.0, fill=2.0)
    filled, kept = (
        attenuated(image_zyx, tumour, Tissue(100.0, 160.0), contrast, fatty=fatty)[0, 1, 1]
        for fatty in (True, False)
    )
    assert kept == -80.0
    assert filled > kept + 60.0


def test_a_tumour_is_not_darker_than_flesh_where_the_organ_has_few_hu() -> None:
    strong = Contrast(solid_hu=145.0, necrosis_hu=110.0, fill=1.0)
    assert strong.limited(150.0) == strong
    faint = strong.limited(50.0)
    assert 50.0 - 0.52 * faint.solid_hu == pytest.approx(10.0)
    assert 50.0 - 0.52 * (faint.solid_hu + faint.necrosis_hu) == pytest.approx(0.0, abs=1e-9)
    least = strong.limited(0.0)
    assert (least.solid_hu, least.necrosis_hu) == (50.0, 0.0)


def test_the_organs_own_structure_fades_inside_and_noise_stays() -> None:
    bed = liver((60, 60, 60))
    stripes = np.where(np.arange(60) // 6 % 2, 24.0, -24.0).astype(np.float32)
    striped_zyx = bed.image_zyx + np.where(bed.organ_zyx, stripes, np.float32(0.0))
    (stage,) = grow_stages(replace(bed, image_zyx=striped_zyx), order(24.0, 1), (24.0,), SETTINGS)
    x = np.broadcast_to(stripes[stage.box[2]], stage.mask_zyx.shape)
    inner = ndimage.binary_erosion(stage.mask_zyx, iterations=4) & ~stage.dead_zyx
    inner &= np.abs(bed.image_zyx[stage.box] - LIVER_HU) < 3 * NOISE_HU  # beside the vessel
    bright, dark = (stage.image_zyx[inner & (x * side > 0)] for side in (1, -1))
    assert bright.mean() - dark.mean() < 0.7 * 48.0
    assert bright.std() > 0.5 * NOISE_HU
