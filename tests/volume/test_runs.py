"""Runs against the label maps they were cut from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.volume.histogram import joint_histogram
from scalemai_core.volume.runs import Runs

Labels = NDArray[np.uint8]


@st.composite
def label_maps(draw: st.DrawFn) -> Labels:
    """Widths on both sides of whole words, and long runs among short ones."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 40)))
    labels = rng.integers(0, 4, shape, dtype=np.uint8)
    return np.where(rng.random(shape) < draw(st.floats(0, 1)), labels, 0).astype(np.uint8)


def painted(runs: Runs) -> Labels:
    return np.repeat(runs.labels, runs.lengths).reshape(runs.shape_zyx)


@settings(max_examples=60, deadline=None)
@given(label_maps())
def test_runs_hold_the_whole_label_map_and_are_as_long_as_can_be(labels: Labels) -> None:
    runs = Runs.of(labels)
    assert np.array_equal(painted(runs), labels)
    changes = np.count_nonzero(labels[:, :, 1:] != labels[:, :, :-1])
    assert len(runs.starts) == changes + labels.shape[0] * labels.shape[1]
    assert np.array_equal(np.flatnonzero(runs.starts == 0), runs.first[:-1])
    assert np.array_equal(
        runs.rows, np.searchsorted(runs.first, range(len(runs.starts)), "right") - 1
    )


def test_a_view_is_cut_like_its_copy() -> None:
    labels = np.random.default_rng(0).integers(0, 3, (6, 7, 50), dtype=np.uint8)
    view = labels[::2, 1:, 3:-3]
    assert np.array_equal(painted(Runs.of(view)), view)


@settings(max_examples=60, deadline=None)
@given(label_maps())
def test_merged_runs_are_those_of_the_renamed_map(labels: Labels) -> None:
    names = np.zeros(256, dtype=np.uint8)
    names[[1, 2]] = 7
    merged, anew = Runs.of(labels).merged(names), Runs.of(names[labels])
    assert all(np.array_equal(one, other) for one, other in zip(merged, anew, strict=True))


@settings(max_examples=60, deadline=None)
@given(label_maps())
def test_meetings_are_counted_as_voxel_by_voxel(labels: Labels) -> None:
    other = np.flip(labels, axis=(0, 2)) // 2
    found = Runs.of(labels).joint_histogram(Runs.of(other))
    assert np.array_equal(found, joint_histogram(labels, other))


@settings(max_examples=80, deadline=None)
@given(label_maps(), st.sampled_from([0, 1]))
def test_pieces_hang_together_as_voxels_do(labels: Labels, reach: int) -> None:
    runs = Runs.of(labels)
    wanted = np.isin(np.arange(256), [0, 2])
    roots = runs.pieces(wanted, reach)
    alone = ~wanted[runs.labels]
    assert np.array_equal(roots[alone], np.flatnonzero(alone))
    pieces_zyx = np.repeat(roots, runs.lengths).reshape(labels.shape)
    corners = ndimage.generate_binary_structure(3, 3 if reach else 1)
    for label in (0, 2):
        own = labels == label
        truth_zyx = np.zeros(labels.shape, dtype=np.int32)
        ndimage.label(own, corners, output=truth_zyx)
        pairs = np.unique([truth_zyx[own], pieces_zyx[own]], axis=1)
        assert pairs.shape[1] == truth_zyx.max() == len(np.unique(pairs[1]))


def test_bad_use_is_refused() -> None:
    with pytest.raises(ValueError, match="label maps are uint8, not int16"):
        Runs.of(np.zeros((2, 2, 2), dtype=np.int16))  # pyright: ignore[reportArgumentType]
    runs = Runs.of(np.zeros((2, 3, 4), dtype=np.uint8))
    with pytest.raises(ValueError, match=r"\(2, 3, 4\) and \(3, 2, 4\) cannot be compared"):
        runs.joint_histogram(Runs.of(np.zeros((3, 2, 4), dtype=np.uint8)))
