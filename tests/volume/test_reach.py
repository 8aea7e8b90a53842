from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from scalemai_core.volume.reach import count_near, nearest_label


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 6.0))
def test_the_nearest_label_is_that_of_the_distance_transform(seed: int, reach_mm: float) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.choice(4, size=(6, 9, 11), p=[0.97, 0.01, 0.01, 0.01]).astype(np.uint8)
    spacing = (2.5, 0.8, 1.0)
    places = np.sort(rng.choice(labels.size, 3, replace=False)).astype(np.int64)
    wanted = np.zeros(256, dtype=bool)
    wanted[[1, 2]] = True
    found = nearest_label(labels, places, wanted, reach_mm, spacing)
    near = count_near(labels, places, wanted, reach_mm, spacing)
    mask = wanted[labels]
    if not mask.any():
        assert found == near == 0
        return
    mm, nearest = ndimage.distance_transform_edt(~mask, sampling=spacing, return_indices=True)
    assert near == np.count_nonzero(mm.flat[places] <= reach_mm)
    best = mm.flat[places].min()
    if best > reach_mm:
        assert found == 0
        return
    at = [p for p in places if mm.flat[p] <= best + 1e-9]
    if len(at) == 1 and int((np.abs(mm - best) < 1e-9).sum()) == 1:
        assert found == labels[tuple(axis.flat[at[0]] for axis in nearest)]
    assert found in (1, 2)


def test_what_lies_beyond_a_face_of_the_volume_is_not_near() -> None:
    labels = np.zeros((1, 2, 4), dtype=np.uint8)
    labels[0, 1, 0] = 5
    wanted = np.arange(256) == 5
    last_of_row_0 = np.array([3], dtype=np.int64)
    assert nearest_label(labels, last_of_row_0, wanted, 2.0, (1.0, 1.0, 1.0)) == 0
