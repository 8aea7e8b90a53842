"""Lesions of phantoms: as many and as large as asked, apart, inside their hosts, never lost."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from scalemai_core.records.label_map import Layer
from scalemai_core.synthesize.lesions import ATTENUATIONS, LESION_NUMBERS
from scalemai_core.synthesize.phantoms import Phantom, PhantomSettings, make_phantom
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.components import components

TAXONOMY = load_taxonomy()
MANY = PhantomSettings(
    spacing_mm=(4.0, 3.0, 3.0),
    field_mm_zyx=(168.0, 184.0, 248.0),
    field_top_mm=96.0,
    lesion_numbers=dict.fromkeys(LESION_NUMBERS, 1.5),
    lesion_mm=(2.0, 40.0),
)


@pytest.fixture(scope="module")
def phantoms() -> list[Phantom]:
    return [make_phantom(3, index, MANY) for index in range(10)]


def test_every_lesion_is_in_the_label_map_and_none_touches_another(
    phantoms: list[Phantom],
) -> None:
    for phantom in phantoms:
        lesions_zyx = phantom.labels[Layer.LESIONS]
        apart, pieces = components((lesions_zyx > 0).astype(np.uint8), 26)
        # A large lesion that its host cuts may be left in several pieces, never be lost.
        assert pieces >= len(phantom.lesions)
        for piece in range(1, pieces + 1):
            assert len(np.unique(lesions_zyx[apart == piece])) == 1
        painted = {lesion.structure for lesion in phantom.lesions}
        assert {TAXONOMY.by_id(int(v)).name for v in np.unique(lesions_zyx) if v} == painted


def test_lesions_lie_inside_the_host_that_they_name(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        anatomy_zyx = phantom.labels[Layer.ANATOMY]
        for name in {lesion.structure for lesion in phantom.lesions}:
            under = anatomy_zyx[phantom.labels[Layer.LESIONS] == TAXONOMY[name].id]
            hosts = np.concatenate([TAXONOMY.member_ids(host) for host in TAXONOMY[name].inside])
            assert np.isin(under, hosts).all()
        for lesion in phantom.lesions:
            assert lesion.organ in TAXONOMY[lesion.structure].inside
            assert TAXONOMY[lesion.place].id in TAXONOMY.member_ids(lesion.organ)
            assert lesion.attenuation in ATTENUATIONS[lesion.structure]


def test_all_seven_kinds_occur_in_all_octaves_of_size(phantoms: list[Phantom]) -> None:
    lesions = [lesion for phantom in phantoms for lesion in phantom.lesions]
    assert {lesion.structure for lesion in lesions} == set(LESION_NUMBERS)
    octaves = np.log2([lesion.diameter_mm / 2.0 for lesion in lesions])
    counts = np.bincount(np.clip(octaves.astype(int), 0, 3))
    assert len(lesions) > 60
    assert counts.min() > 0.1 * len(lesions)
    assert max(lesion.diameter_mm for lesion in lesions) <= 40.0


@pytest.mark.parametrize("spacing_mm", [1.5, 2.0, 5.0])
def test_a_lesion_of_2_mm_has_a_voxel_at_any_spacing(spacing_mm: float) -> None:
    settings = MANY.model_copy(
        update={
            "spacing_mm": spacing_mm,
            "lesion_mm": (2.0, 2.0),
            "lesion_numbers": {"kidney_cyst": 4.0},
            "field_mm_zyx": (130.0, 120.0, 200.0),
            "field_top_mm": 60.0,
        }
    )
    phantom = make_phantom(3, 1, settings)
    pieces_zyx, pieces = components(phantom.labels[Layer.LESIONS])
    assert pieces == len(phantom.lesions) > 1
    volume_ml = np.bincount(pieces_zyx.ravel())[1:] * phantom.grid.voxel_ml
    assert volume_ml.max() <= max(phantom.grid.voxel_ml, 0.012)


def test_lesions_differ_from_their_host_as_they_say() -> None:
    settings = MANY.model_copy(update={"lesion_mm": (24.0, 30.0), "spacing_mm": 4.0})
    seen: set[str] = set()
    for index in range(6):
        phantom = make_phantom(4, index, settings)
        lesions_zyx = phantom.labels[Layer.LESIONS]
        liver = phantom.labels[Layer.ANATOMY] == TAXONOMY["liver"].id
        in_liver = [lesion for lesion in phantom.lesions if lesion.organ == "liver"]
        if len(in_liver) != 1:
            continue
        inside = phantom.image_zyx[lesions_zyx == TAXONOMY["liver_lesion"].id].mean()
        outside = phantom.image_zyx[liver & (lesions_zyx == 0)].mean()
        brighter = in_liver[0].attenuation == "hyperdense"
        assert (inside > outside + 8) if brighter else (inside < outside - 8)
        seen.add(in_liver[0].attenuation)
    assert seen


def test_the_healthy_share_has_no_lesion() -> None:
    coarse = {"spacing_mm": 16.0, "healthy_share": 0.3}
    settings = MANY.model_copy(update=coarse)
    healthy = [not make_phantom(8, index, settings).lesions for index in range(24)]
    assert 3 <= sum(healthy) <= 12
    everyone = settings.model_copy(update={"healthy_share": 1.0})
    assert not make_phantom(8, 0, everyone).labels[Layer.LESIONS].any()


def test_lesions_do_not_depend_on_the_spacing() -> None:
    fine = make_phantom(5, 2, MANY)
    coarse = make_phantom(5, 2, MANY.model_copy(update={"spacing_mm": 4.0}))
    sizes = {lesion.structure: round(lesion.diameter_mm) for lesion in fine.lesions}
    again = {lesion.structure: round(lesion.diameter_mm) for lesion in coarse.lesions}
    same = [name for name in sizes if abs(sizes[name] - again.get(name, -9)) <= 1]
    assert len(same) >= 0.7 * len(sizes)


def test_lesions_that_phantoms_do_not_have_are_refused() -> None:
    with pytest.raises(ValidationError, match="no lesions spleen"):
        PhantomSettings(lesion_numbers={"spleen": 1.0})
    with pytest.raises(ValidationError, match="must rise"):
        PhantomSettings(lesion_mm=(5.0, 2.0))
