from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scalemai_core.judge.lesions.candidates import find_candidates
from scalemai_core.records.grid import Grid
from scalemai_core.records.lesion import LesionCandidate
from scalemai_core.settings.lesions import LesionSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.log_odds import encode

ID = {structure.name: structure.id for structure in load_taxonomy().structures}
SHAPE = (24, 40, 60)
GRID = Grid.of(SHAPE, np.diag([1.0, 1.0, 2.5, 1.0]))
Triple = tuple[int, int, int]


class Patient:
    """A liver, two kidneys and a pancreas of boxes, and whatever is put into them."""

    def __init__(self) -> None:
        self.probability = np.zeros(SHAPE, dtype=np.float32)
        self.types = np.zeros(SHAPE, dtype=np.uint8)
        self.anatomy = np.zeros(SHAPE, dtype=np.uint8)
        self.anatomy[2:10, 5:15, 5:15] = ID["kidney_left"]
        self.anatomy[2:10, 5:15, 45:55] = ID["kidney_right"]
        self.anatomy[12:20, 5:35, 40:58] = ID["liver"]
        self.anatomy[12:18, 20:28, 5:20] = ID["pancreas_tail"]

    def put(self, at: Triple, structure: str, probability: float, radius_mm: float = 3.0) -> None:
        index = np.indices(SHAPE)
        mm = np.sqrt(sum(((index[a] - at[a]) * GRID.spacing_mm_zyx[a]) ** 2 for a in range(3)))
        ball = mm <= radius_mm
        self.probability[ball], self.types[ball] = probability, ID[structure]

    def find(
        self, settings: LesionSettings | None = None
    ) -> tuple[NDArray[np.uint16], tuple[LesionCandidate, ...]]:
        codes = encode(self.probability, floor=1e-4)
        settings = settings or LesionSettings()
        return find_candidates(codes, self.types, self.anatomy, GRID, "scan", settings)


def test_candidates_have_a_site_an_organ_a_place_and_their_voxels() -> None:
    patient = Patient()
    patient.put((6, 10, 50), "kidney_cyst", 0.7)
    patient.put((15, 24, 10), "pancreatic_pdac", 0.02)
    patient.put((16, 20, 50), "liver_lesion", 0.9)
    components, found = patient.find()
    assert [(c.site, c.organ, c.structure, c.place) for c in found] == [
        ("pancreas", "pancreas", "pancreatic_pdac", "pancreas_tail"),
        ("liver", "liver", "liver_lesion", "liver"),
        ("kidney", "kidney_right", "kidney_cyst", "kidney_right"),
    ]
    assert [c.number for c in found] == [1, 2, 3]
    assert np.array_equal(components > 0, patient.probability > 0)
    for candidate in found:
        voxels = components == candidate.number
        assert candidate.volume_mm3 == pytest.approx(2.5 * voxels.sum())
        assert candidate.diameter_mm == pytest.approx(7.0)
    assert [c.probability for c in found] == pytest.approx([0.02, 0.9, 0.7], rel=0.07)
    assert (found[0].x_mm, found[0].y_mm, found[0].z_mm) == pytest.approx((10.0, 24.0, 37.5))


def test_the_kind_is_that_with_the_most_probability() -> None:
    patient = Patient()
    patient.put((15, 24, 10), "pancreatic_cyst", 0.8)
    weak = patient.types.copy() > 0
    weak[:, :, :10] = False
    patient.probability[weak] = 0.35
    patient.types[weak] = ID["pancreatic_pdac"]
    _, (candidate,) = patient.find()
    assert (weak).sum() * 2 > (patient.types > 0).sum()
    assert candidate.structure == "pancreatic_cyst"


def test_lesions_of_two_sites_that_touch_are_two_candidates() -> None:
    patient = Patient()
    patient.anatomy[2:10, 5:15, 15:45] = ID["liver"]
    patient.put((6, 10, 14), "kidney_tumor", 0.9, 4.0)
    patient.put((6, 10, 19), "liver_lesion", 0.5, 4.0)
    _, found = patient.find()
    assert [c.site for c in found] == ["liver", "kidney"]


@pytest.mark.parametrize(("gap", "organ"), [(2, "kidney_left"), (3, "kidney_left"), (4, None)])
def test_a_candidate_may_begin_three_mm_from_its_host(gap: int, organ: str | None) -> None:
    patient = Patient()
    patient.probability[6, 10, 14 + gap : 14 + gap + 3] = 0.6
    patient.types[6, 10, 14 + gap : 14 + gap + 3] = ID["kidney_tumor"]
    _, found = patient.find()
    assert [c.organ for c in found] == ([] if organ is None else [organ])
    assert all(c.place == "kidney_left" for c in found)


def test_slices_are_farther_apart_than_voxels() -> None:
    patient = Patient()
    patient.put((11, 10, 10), "kidney_tumor", 0.6, 1.0)  # one empty slice between: 5 mm
    assert patient.find()[1] == ()
    patient.put((10, 10, 10), "kidney_tumor", 0.6, 1.0)
    assert len(patient.find()[1]) == 1


def test_a_lesion_outside_every_host_of_its_own_site_is_no_candidate() -> None:
    patient = Patient()
    patient.put((16, 20, 50), "kidney_tumor", 0.9)
    components, found = patient.find()
    assert found == ()
    assert not components.any()


def test_only_the_most_probable_candidates_of_each_site_are_kept() -> None:
    patient = Patient()
    for i, x in enumerate(range(43, 57, 4)):
        patient.put((16, 10, x), "liver_lesion", 0.1 + 0.2 * i, 1.0)
    patient.put((15, 24, 10), "pancreatic_pnet", 0.01)
    _, found = patient.find(LesionSettings(max_candidates=2, min_voxels=1))
    assert [c.site for c in found] == ["pancreas", "liver", "liver"]
    assert [c.probability for c in found[1:]] == pytest.approx([0.7, 0.5], abs=0.02)


def test_specks_below_the_smallest_volume_are_noise() -> None:
    patient = Patient()
    patient.probability[16, 20, 50] = 0.9
    patient.types[16, 20, 50] = ID["liver_lesion"]
    assert patient.find()[1] == ()  # 2.5 mm3
    patient.probability[16, 20, 51] = 0.9
    patient.types[16, 20, 51] = ID["liver_lesion"]
    assert len(patient.find()[1]) == 1


def test_the_same_voxels_have_the_same_id_whatever_their_probability() -> None:
    one, other, moved = Patient(), Patient(), Patient()
    one.put((16, 20, 50), "liver_lesion", 0.9)
    other.put((16, 20, 50), "liver_lesion", 0.3)
    moved.put((16, 21, 50), "liver_lesion", 0.9)
    ids = [(p.find()[1][0].candidate_id, p.find()[1][0].component_hash) for p in (one, other)]
    assert ids[0] == ids[1]
    assert moved.find()[1][0].candidate_id != ids[0][0]


def test_arrays_of_another_grid_are_refused() -> None:
    patient = Patient()
    patient.types = patient.types[:-1]
    with pytest.raises(ValueError, match="is not on a grid"):
        patient.find()
