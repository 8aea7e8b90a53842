"""Places: real voxels of every structure and lesion, the same for the same label map."""

from __future__ import annotations

import numpy as np
import pytest

from scalemai_core.volume.places import PLACES, find_places


@pytest.fixture
def labels_zyx() -> np.ndarray:
    labels_zyx = np.zeros((20, 24, 28), dtype=np.uint8)
    labels_zyx[2:12, 2:12, 2:12] = 85
    labels_zyx[15, 20, 25] = 85
    labels_zyx[15:18, 2:5, 2:5] = 87
    return labels_zyx


def test_every_structure_has_places_of_its_own(labels_zyx: np.ndarray) -> None:
    found = find_places(labels_zyx, 0.001, np.random.default_rng(0), lesions=False)
    assert list(found.structures) == [85, 87]
    assert not found.lesions
    for structure_id, places_zyx in found.structures.items():
        assert set(labels_zyx[tuple(places_zyx.T)]) == {structure_id}
        assert len(np.unique(places_zyx, axis=0)) == len(places_zyx)
    assert len(found.structures[85]) == PLACES
    assert len(found.structures[87]) == 27


def test_every_connected_lesion_is_found_with_its_size(labels_zyx: np.ndarray) -> None:
    found = find_places(labels_zyx, 0.001, np.random.default_rng(0), lesions=True)
    lesions = sorted(found.lesions, key=lambda lesion: lesion.diameter_mm)
    assert [lesion.structure_id for lesion in lesions] == [85, 87, 85]
    assert [len(lesion.places_zyx) for lesion in lesions] == [1, 27, PLACES]
    assert lesions[0].places_zyx.tolist() == [[15, 20, 25]]
    # Voxels of 1 mm: the sphere of 1000 mm3 has a diameter of 12.407 mm.
    assert lesions[2].diameter_mm == pytest.approx(12.407, abs=1e-3)


def test_touching_lesions_of_different_kinds_are_two() -> None:
    labels_zyx = np.zeros((4, 4, 8), dtype=np.uint8)
    labels_zyx[:, :, :4], labels_zyx[:, :, 4:] = 85, 86
    found = find_places(labels_zyx, 1.0, np.random.default_rng(0), lesions=True)
    assert sorted(lesion.structure_id for lesion in found.lesions) == [85, 86]


def test_an_empty_label_map_has_no_places() -> None:
    empty = np.zeros((3, 3, 3), dtype=np.uint8)
    found = find_places(empty, 1.0, np.random.default_rng(0), lesions=True)
    assert found.structures == {}
    assert found.lesions == ()
