from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from scalemai_core.measure.overlap import Overlap
from scalemai_core.volume.histogram import joint_histogram

NUM = 7
UNIONS = np.eye(NUM, dtype=np.bool_)
UNIONS[1, [2, 3]] = True  # 1 is the parent of 2 and 3
UNIONS.setflags(write=False)


def naive_histogram(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.int64]:
    counts = np.zeros((256, 256), dtype=np.int64)
    for pair in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True):
        counts[pair] += 1
    return counts


def naive_dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else float("nan")


@st.composite
def map_pairs(draw: st.DrawFn, top: int = 255) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    shape = draw(hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=7))
    runs = draw(st.integers(1, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = int(np.prod(shape))
    a, b = (np.repeat(rng.integers(0, top + 1, size, dtype=np.uint8), runs)[:size] for _ in "ab")
    return a.reshape(shape), b.reshape(shape)


@settings(deadline=None)
@given(map_pairs())
def test_histogram_counts_every_pair_of_ids(maps: tuple[NDArray[np.uint8], ...]) -> None:
    a, b = maps
    assert np.array_equal(joint_histogram(a, b), naive_histogram(a, b))


def test_histogram_takes_views_of_any_layout_and_offset() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 4, (2, 9, 10, 11), dtype=np.uint8)
    for one, two in [(a[:, ::2, ::-1], b[:, ::2, ::-1]), (a.T, b.T), (np.asfortranarray(a), b)]:
        assert np.array_equal(joint_histogram(one, two), naive_histogram(one, two))
    odd_a, odd_b = a.ravel()[3:], b.ravel()[5:-2]
    odd = odd_a[: odd_b.size].reshape(1, 1, -1), odd_b.reshape(1, 1, -1)
    assert np.array_equal(joint_histogram(*odd), naive_histogram(*odd))
    assert joint_histogram(a[:0], b[:0]).sum() == 0


def test_histogram_refuses_maps_that_cannot_be_compared() -> None:
    labels = np.zeros((2, 3, 4), dtype=np.uint8)
    with pytest.raises(ValueError, match="shapes"):
        joint_histogram(labels, labels[:1])
    with pytest.raises(ValueError, match="int32"):
        joint_histogram(labels, labels.astype(np.int32))  # pyright: ignore[reportArgumentType]


@settings(max_examples=60, deadline=None)
@given(map_pairs(top=NUM - 1))
def test_overlap_of_every_structure_equals_its_two_masks(
    maps: tuple[NDArray[np.uint8], ...],
) -> None:
    overlap = Overlap.of_maps(*maps, UNIONS)
    masks = [[np.isin(m, np.flatnonzero(UNIONS[s])) for s in range(NUM)] for m in maps]
    for s in range(NUM):
        a, b = masks[0][s], masks[1][s]
        assert overlap.volume_a[s] == a.sum()
        assert overlap.volume_b[s] == b.sum()
        assert overlap.intersection[s] == (a & b).sum()
        assert overlap.dice[s] == pytest.approx(naive_dice(a, b), nan_ok=True, abs=1e-12)
        for t in range(NUM):
            assert overlap.shared[s, t] == (a & masks[1][t]).sum()


def test_dice_of_two_empty_masks_is_not_a_number() -> None:
    empty = np.zeros((3, 3, 3), dtype=np.uint8)
    dice = Overlap.of_maps(empty, empty, UNIONS).dice
    assert dice[0] == 1.0
    assert np.isnan(dice[1:]).all()


def test_dice_of_one_empty_mask_is_zero() -> None:
    empty, full = np.zeros((3, 3, 3), dtype=np.uint8), np.full((3, 3, 3), 4, dtype=np.uint8)
    assert Overlap.of_maps(empty, full, UNIONS).dice[4] == 0.0


def test_confusions_name_unrelated_structures_most_voxels_first() -> None:
    a = np.full((1, 1, 10), 2, dtype=np.uint8)
    b = np.array([2, 3, 1, 5, 5, 5, 0, 6, 6, 0], dtype=np.uint8).reshape(1, 1, 10)
    overlap = Overlap.of_maps(a, b, UNIONS)
    assert list(overlap.confusions(2).items()) == [(5, 3), (0, 2), (6, 2), (3, 1)]
    assert list(overlap.confusions(1).items()) == [(5, 3), (0, 2), (6, 2)]
    assert overlap.confusions(4) == {}


def test_ids_beyond_the_taxonomy_are_refused() -> None:
    labels = np.full((2, 2, 2), NUM, dtype=np.uint8)
    with pytest.raises(ValueError, match="above 6"):
        Overlap.of_maps(np.zeros_like(labels), labels, UNIONS)
