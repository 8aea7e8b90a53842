from __future__ import annotations

import itertools

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from scalemai_core.errors import RejectedInput, UsageError
from scalemai_core.volume.orientation import axis_codes, from_canonical, to_canonical


@st.composite
def affines(draw: st.DrawFn) -> np.ndarray:
    """Any rotation of any permutation and mirroring of the axes, any spacing, any origin."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    order = draw(st.permutations(range(3)))
    signs = draw(st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3))
    degrees = draw(st.sampled_from([0.0, 1e-6, 5.0, 20.0, 45.0, 90.0]))
    axis = rng.normal(size=3)
    rotation = Rotation.from_rotvec(np.radians(degrees) * axis / np.linalg.norm(axis))
    affine = np.eye(4)
    affine[:3, :3] = rotation.as_matrix() @ (np.eye(3)[:, order] * signs) * rng.uniform(0.3, 6, 3)
    affine[:3, 3] = rng.uniform(-900, 900, 3)
    return affine


shapes = st.tuples(*[st.integers(1, 5)] * 3)


@given(affine=affines(), shape=shapes)
@settings(max_examples=200, deadline=None)
def test_the_way_back_restores_every_voxel_and_the_affine(
    affine: np.ndarray, shape: tuple[int, int, int]
) -> None:
    array_xyz = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    array_zyx, _ = to_canonical(array_xyz, affine)
    restored_xyz, restored_affine = from_canonical(array_zyx, axis_codes(affine), affine)
    np.testing.assert_array_equal(restored_xyz, array_xyz)
    assert restored_xyz.dtype == array_xyz.dtype
    assert (restored_affine == affine).all()


@given(affine=affines(), shape=shapes)
@settings(max_examples=200, deadline=None)
def test_every_voxel_keeps_its_place_in_the_patient(
    affine: np.ndarray, shape: tuple[int, int, int]
) -> None:
    array_xyz = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    array_zyx, grid = to_canonical(array_xyz, affine)
    assert array_zyx.flags.c_contiguous
    assert grid.shape_zyx == array_zyx.shape
    for x, y, z in np.ndindex(*array_zyx.shape[::-1]):
        file_index = np.argwhere(array_xyz == array_zyx[z, y, x])[0]
        np.testing.assert_allclose(
            grid.matrix @ [x, y, z, 1], affine @ [*file_index, 1], atol=1e-9, rtol=0
        )


@given(affine=affines(), shape=shapes)
@settings(max_examples=200, deadline=None)
def test_a_canonical_array_stays_as_it_is(affine: np.ndarray, shape: tuple[int, int, int]) -> None:
    array_zyx, grid = to_canonical(np.zeros(shape, np.uint8), affine)
    assert axis_codes(grid.matrix) == "RAS"
    again_zyx, again = to_canonical(array_zyx.T, grid.matrix)
    assert again == grid
    assert again_zyx.shape == array_zyx.shape


@pytest.mark.parametrize("order", list(itertools.permutations("RAS")))
@pytest.mark.parametrize("flips", list(itertools.product([False, True], repeat=3)))
def test_axis_codes_agree_with_nibabel_for_all_48_orientations(
    order: tuple[str, ...], flips: tuple[bool, ...]
) -> None:
    opposite = dict(zip("RAS", "LPI", strict=True))
    codes = [opposite[c] if flip else c for c, flip in zip(order, flips, strict=True)]
    worlds = {"R": [1, 0, 0], "A": [0, 1, 0], "S": [0, 0, 1]}
    columns = [
        np.array(worlds[c]) * (-1 if flip else 1) for c, flip in zip(order, flips, strict=True)
    ]
    affine = np.eye(4)
    slanted = Rotation.from_euler("xyz", [8, -11, 14], degrees=True).as_matrix()
    affine[:3, :3] = slanted @ np.stack(columns, axis=1) * [0.7, 0.9, 5.0]
    assert axis_codes(affine) == "".join(codes) == "".join(nib.aff2axcodes(affine))


def test_the_first_voxel_of_an_lps_file_lands_at_the_far_end_of_the_first_two_axes() -> None:
    array_xyz = np.zeros((4, 3, 2), np.int16)
    array_xyz[0, 0, 0] = 7
    array_zyx, grid = to_canonical(array_xyz, np.diag([-1.0, -2.0, 3.0, 1.0]))
    assert array_zyx[0, 2, 3] == 7
    assert grid.spacing_mm_zyx == (3.0, 2.0, 1.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({(0, 0): np.nan}, "bad_spacing"),
        ({(1, 3): np.inf}, "bad_spacing"),
        ({(2, 2): 0.0}, "bad_spacing"),
        ({(0, 1): 1.0, (1, 1): 0.0}, "singular_affine"),
    ],
)
def test_an_affine_that_places_no_voxels_is_rejected(
    change: dict[tuple[int, int], float], reason: str
) -> None:
    affine = np.eye(4)
    for index, value in change.items():
        affine[index] = value
    with pytest.raises(RejectedInput) as caught:
        to_canonical(np.zeros((2, 2, 2)), affine)
    assert caught.value.reason == reason
    assert caught.value.remedy


@pytest.mark.parametrize("axes", ["LP", "LLS", "XYZ", "LPSS"])
def test_axis_codes_that_name_no_three_directions_are_refused(axes: str) -> None:
    with pytest.raises(UsageError, match=axes):
        from_canonical(np.zeros((2, 2, 2)), axes, np.eye(4))
