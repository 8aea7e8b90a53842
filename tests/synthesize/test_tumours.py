"""Hand-crafted tumours: in the organ, of the size and contrast asked, the same at every call."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.settings.tumours import TumourSettings
from scalemai_core.synthesize.tumour.implant import implant
from scalemai_core.synthesize.tumour.looks import LOOKS
from scalemai_core.synthesize.tumour.order import LEAST_MM3, Implant, TumourOrder

PLAIN = TumourSettings()
CALM_HU = 110.0
NUM = 48


def organ(radius_voxels: float = 20.0) -> NDArray[np.bool_]:
    """A ball in a patch of 48 voxels an edge, its surface well inside."""
    z, y, x = np.indices((NUM,) * 3) - NUM // 2
    return z**2 + y**2 + x**2 < radius_voxels**2


def patch(noise_hu: float = 10.0) -> NDArray[np.float32]:
    rng = np.random.default_rng(5)
    image_zyx = np.where(organ(), CALM_HU, -90.0) + rng.normal(0.0, noise_hu, (NUM,) * 3)
    return image_zyx.astype(np.float32)


def ordered(
    diameter_mm: float = 16.0,
    seed: int = 0,
    structure: str = "liver_lesion",
    centre_zyx: tuple[int, int, int] | None = None,
) -> TumourOrder:
    return TumourOrder(structure, "handcrafted", diameter_mm, seed, centre_zyx)


def drawn(order: TumourOrder, spacing_mm: float = 1.5, chosen: TumourSettings = PLAIN) -> Implant:
    made = implant(patch(), organ(), spacing_mm, order, chosen)
    assert made is not None
    return made


def drop_hu(made: Implant, image_zyx: NDArray[np.float32]) -> float:
    return float((image_zyx - made.image_zyx)[made.mask_zyx].mean())


CENTRE = (NUM // 2,) * 3
SEEDS = st.integers(0, 2**63 - 1)


@given(
    spacing_mm=st.sampled_from([1.0, 1.5, 2.5, 5.0]),
    diameter_mm=st.floats(6.0, 80.0),
    structure=st.sampled_from(sorted(LOOKS)),
    seed=SEEDS,
)
@settings(max_examples=40, deadline=None)
def test_a_tumour_is_in_the_organ_and_changes_nothing_outside(
    spacing_mm: float, diameter_mm: float, structure: str, seed: int
) -> None:
    image_zyx, organ_zyx = patch(), organ()
    before = image_zyx.copy()
    made = implant(image_zyx, organ_zyx, spacing_mm, ordered(diameter_mm, seed, structure), PLAIN)
    assert made is not None
    assert np.array_equal(image_zyx, before)
    assert made.image_zyx.dtype == np.float32
    assert np.isfinite(made.image_zyx).all()
    assert not (made.mask_zyx & ~organ_zyx).any()
    assert made.mask_zyx.sum() * spacing_mm**3 >= LEAST_MM3
    assert np.array_equal(made.image_zyx[~organ_zyx], image_zyx[~organ_zyx])
    # The blur of the edge ends 2.5 standard deviations of at most 2 mm away, in whole voxels.
    away_mm = ndimage.distance_transform_edt(~made.mask_zyx) * spacing_mm
    far = away_mm > np.sqrt(3.0) * (2.5 * max(2.0, 0.4 * spacing_mm) + spacing_mm)
    assert np.array_equal(made.image_zyx[far], image_zyx[far])


@given(spacing_mm=st.floats(1.0, 5.0), diameter_mm=st.floats(6.0, 24.0), seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_a_tumour_that_nothing_cuts_has_the_volume_asked(
    spacing_mm: float, diameter_mm: float, seed: int
) -> None:
    order = ordered(diameter_mm, seed, centre_zyx=CENTRE)
    wide = organ(NUM / 2 - 2.0)
    made = implant(patch(), wide, spacing_mm, order, PLAIN)
    assert made is not None
    voxel_mm3 = spacing_mm**3
    asked_mm3 = np.pi / 6.0 * diameter_mm**3
    # Rounded to whole voxels, and bumps that come off are left out.
    assert ndimage.label(made.mask_zyx)[1] == 1
    made_mm3 = made.mask_zyx.sum() * voxel_mm3
    assert made_mm3 == pytest.approx(asked_mm3, rel=0.06, abs=1.01 * voxel_mm3)


@given(spacing_mm=st.sampled_from([1.0, 1.5, 2.5]), diameter_mm=st.floats(6.0, 40.0), seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_the_mean_drop_is_about_half_of_the_contrast(
    spacing_mm: float, diameter_mm: float, seed: int
) -> None:
    image_zyx = np.full((NUM,) * 3, CALM_HU, np.float32)
    made = implant(image_zyx, organ(), spacing_mm, ordered(diameter_mm, seed), PLAIN)
    assert made is not None
    low, high = LOOKS["liver_lesion"].drop_hu
    assert 0.45 * low <= drop_hu(made, image_zyx) <= 0.60 * high


@pytest.mark.parametrize("contrast_hu", [65.0, 105.0, 145.0])
@pytest.mark.parametrize("diameter_mm", [6.0, 12.0, 30.0])
def test_the_mean_drop_is_that_share_of_the_contrast_that_was_drawn(
    contrast_hu: float, diameter_mm: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = LOOKS["liver_lesion"]
    fixed = type(look)(drop_hu=(contrast_hu, contrast_hu))
    monkeypatch.setattr("scalemai_core.synthesize.tumour.blend.LOOKS", {"liver_lesion": fixed})
    image_zyx = np.full((NUM,) * 3, CALM_HU, np.float32)
    for seed in range(8):
        made = implant(image_zyx, organ(), 1.0, ordered(diameter_mm, seed), PLAIN)
        assert made is not None
        assert 0.45 * contrast_hu <= drop_hu(made, image_zyx) <= 0.60 * contrast_hu


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_tumour() -> None:
    first, again, other = drawn(ordered()), drawn(ordered()), drawn(ordered(seed=1))
    assert first.image_zyx.tobytes() == again.image_zyx.tobytes()
    assert first.mask_zyx.tobytes() == again.mask_zyx.tobytes()
    assert not np.array_equal(first.mask_zyx, other.mask_zyx)


def test_noise_stays_inside_and_vessels_fade() -> None:
    image_zyx = patch()
    image_zyx[:, 22:26, 22:26] += 80.0
    made = implant(image_zyx, organ(), 1.5, ordered(30.0, centre_zyx=CENTRE), PLAIN)
    assert made is not None
    inside = ndimage.binary_erosion(made.mask_zyx, iterations=4)
    vessel = np.zeros_like(inside)
    vessel[:, 22:26, 22:26] = True
    rest = ndimage.binary_dilation(vessel, iterations=2)
    left = made.image_zyx[inside & vessel].mean() - made.image_zyx[inside & ~rest].mean()
    assert 10.0 < left < 60.0
    assert 6.0 < made.image_zyx[inside & ~rest].std() < 14.0


@pytest.mark.parametrize(
    ("structure", "low_hu", "high_hu"),
    [
        ("pancreatic_cyst", -5.0, 25.0),
        ("kidney_cyst", -5.0, 25.0),
        ("colon_lesion", 50.0, 120.0),
        ("pancreatic_pnet", CALM_HU + 20.0, CALM_HU + 80.0),
        ("pancreatic_pdac", 10.0, CALM_HU - 20.0),
    ],
)
def test_each_structure_has_its_look(structure: str, low_hu: float, high_hu: float) -> None:
    for seed in range(6):
        made = drawn(ordered(20.0, seed, structure, centre_zyx=CENTRE))
        core = ndimage.binary_erosion(made.mask_zyx, iterations=2)
        assert low_hu <= made.image_zyx[core].mean() <= high_hu


def test_fat_between_lobules_is_gone_in_a_tumour_of_the_pancreas() -> None:
    image_zyx = patch()
    image_zyx[:, :, 23:25] = -60.0
    made = implant(
        image_zyx, organ(), 1.5, ordered(24.0, 2, "pancreatic_pdac", centre_zyx=CENTRE), PLAIN
    )
    assert made is not None
    core = ndimage.binary_erosion(made.mask_zyx, iterations=3)
    core[:, :, :23] = core[:, :, 25:] = False
    assert made.image_zyx[core].mean() > 0.0


def test_there_is_no_tumour_without_an_organ_or_in_a_crumb_of_one() -> None:
    crumb = np.zeros((NUM,) * 3, np.bool_)
    assert implant(patch(), crumb, 1.0, ordered(), PLAIN) is None
    crumb[10:12, 10:12, 10:12] = True
    assert implant(patch(), crumb, 1.0, ordered(), PLAIN) is None


def test_a_patch_may_cut_the_organ() -> None:
    everywhere = np.ones((NUM,) * 3, np.bool_)
    made = implant(patch(), everywhere, 1.0, ordered(30.0, centre_zyx=(0, 0, 0)), PLAIN)
    assert made is not None
    assert made.mask_zyx[0, 0, 0]
    assert 0.05 < made.mask_zyx.sum() / (np.pi / 6.0 * 30.0**3) < 0.3


def test_a_tumour_does_not_leap_over_a_fissure() -> None:
    parted = organ()
    parted[:, :, 26:30] = False
    made = implant(patch(), parted, 1.0, ordered(24.0, centre_zyx=(24, 24, 20)), PLAIN)
    assert made is not None
    assert not made.mask_zyx[:, :, 30:].any()


def test_the_centre_asked_is_in_the_tumour() -> None:
    for seed in range(5):
        assert drawn(ordered(12.0, seed, centre_zyx=(20, 26, 28))).mask_zyx[20, 26, 28]


def test_tumours_keep_off_vessels_if_asked() -> None:
    image_zyx = patch(noise_hu=2.0)
    vessel = np.zeros((NUM,) * 3, np.bool_)
    vessel[:, 20:24, ::6] = True
    vessel &= organ()
    image_zyx[vessel] += 150.0
    chosen = TumourSettings(avoid_vessels=True)
    touched: list[int] = []
    for seed in range(6):
        made = implant(image_zyx, organ(), 1.0, ordered(14.0, seed), chosen)
        assert made is not None
        touched.append(int((made.mask_zyx & vessel).sum()))
    assert not any(touched)


def test_mass_effect_pushes_tissue_outward_but_no_surface() -> None:
    z, y, x = np.indices((NUM,) * 3) - NUM // 2
    rings = np.where(organ(), CALM_HU + 40.0 * np.sin(np.sqrt(z**2 + y**2 + x**2)), -90.0)
    image_zyx = rings.astype(np.float32)
    order = ordered(20.0, centre_zyx=CENTRE)
    plain = implant(image_zyx, organ(), 1.0, order, PLAIN)
    pushed = implant(image_zyx, organ(), 1.0, order, TumourSettings(mass_effect=30.0))
    assert plain is not None
    assert pushed is not None
    assert np.array_equal(plain.mask_zyx, pushed.mask_zyx)
    changed = pushed.image_zyx != plain.image_zyx
    assert changed.any()
    assert not (changed & ~organ()).any()
    # Beyond the tumour and its edge the push alone acts, as far as 1.3 radii.
    around = changed & (plain.image_zyx == image_zyx)
    assert around.any()
    assert np.sqrt((z**2 + y**2 + x**2)[around].max()) <= 13.0


def test_a_capsule_is_a_brighter_rim() -> None:
    order = ordered(24.0, seed=3, centre_zyx=CENTRE)
    plain, rim = drawn(order), drawn(order, chosen=TumourSettings(capsule=1.0))
    brighter = rim.image_zyx - plain.image_zyx
    assert brighter.min() >= 0.0
    assert brighter.max() > 3.0
    depth = ndimage.distance_transform_edt(plain.mask_zyx)
    assert brighter[depth > 5].max() < 0.5
