"""The voxel around which a mask is thickest."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scalemai_core.volume.densest import densest


def test_a_block_on_a_thin_sheet_is_found() -> None:
    mask_zyx = np.zeros((40, 60, 60), dtype=np.bool_)
    mask_zyx[20] = True
    mask_zyx[14:26, 40:52, 8:20] = True
    z, y, x = densest(mask_zyx, (1.0, 1.0, 1.0))
    assert 14 <= z < 26
    assert 40 <= y < 52
    assert 8 <= x < 20


def test_of_something_large_it_is_the_middle() -> None:
    place = densest(np.ones((20, 50, 80), dtype=np.bool_), (5.0, 1.0, 1.0))
    assert np.abs(np.array(place) - (10, 25, 40)).max() <= 3


@settings(max_examples=80, deadline=None)
@given(
    mask_zyx=hnp.arrays(np.bool_, hnp.array_shapes(min_dims=3, max_dims=3, max_side=7)),
    spacing=st.tuples(*3 * [st.sampled_from([0.5, 1.0, 5.0])]),
)
def test_it_always_belongs_to_the_mask(
    mask_zyx: np.ndarray, spacing: tuple[float, float, float]
) -> None:
    if mask_zyx.any():
        assert mask_zyx[densest(mask_zyx, spacing)]
