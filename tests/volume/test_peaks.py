from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage, special

from scalemai_core.volume.log_odds import PROBABILITIES, encode
from scalemai_core.volume.peaks import find_peaks

AROUND = np.ones((3, 3, 3), dtype=bool)
Codes = NDArray[np.uint8]


def prominent(
    codes_zyx: Codes, floor: float, share: float, min_voxels: int
) -> list[tuple[int, list[int]]]:
    """The definition, voxel by voxel: whether anything higher hangs together with it."""
    flat = codes_zyx.reshape(-1).astype(int)
    order = np.lexsort((np.arange(flat.size), -flat))
    higher = np.empty(flat.size, dtype=int)
    higher[order] = np.arange(flat.size)
    noise: set[int] = set()
    found: list[tuple[int, list[int]]] = []
    for at in order.tolist():
        peak = PROBABILITIES[flat[at]]
        if peak < floor * (1 - 1e-9):
            break
        if at in noise:
            continue
        limit = max(share * peak, floor) * (1 - 1e-9)
        labels, _ = ndimage.label(PROBABILITIES[codes_zyx] >= limit, AROUND)
        piece = np.flatnonzero(labels == labels.flat[at])
        if any(higher[place] < higher[at] for place in piece.tolist() if place not in noise):
            continue
        if len(piece) < min_voxels:
            noise.update(piece.tolist())
        else:
            found.append((int(flat[at]), piece.tolist()))
    return found


@st.composite
def volumes(draw: st.DrawFn) -> Codes:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = tuple(draw(st.integers(1, 9)) for _ in range(3))
    smooth = ndimage.gaussian_filter(rng.normal(size=shape), draw(st.sampled_from([0.0, 0.8, 1.5])))
    smooth /= max(smooth.std(), 1e-6)
    log_odds = smooth * draw(st.floats(0.5, 6)) - draw(st.floats(0, 8))
    codes = encode(special.expit(log_odds).astype(np.float32), floor=1e-6)
    codes[rng.random(shape) < draw(st.floats(0, 0.9))] = 0
    return codes


@settings(max_examples=150, deadline=None)
@given(
    volumes(), st.sampled_from([1e-4, 0.01, 0.3]), st.sampled_from([0.4, 0.9]), st.integers(1, 5)
)
def test_peaks_are_those_of_the_definition(
    codes_zyx: Codes, floor: float, share: float, min_voxels: int
) -> None:
    peaks = find_peaks(codes_zyx, floor=floor, share=share, min_voxels=min_voxels)
    found = [(int(peaks.codes[i]), peaks.piece(i).tolist()) for i in range(len(peaks))]
    assert found == prominent(codes_zyx, floor, share, min_voxels)


@settings(max_examples=50, deadline=None)
@given(volumes())
def test_pieces_are_apart_and_in_falling_order(codes_zyx: Codes) -> None:
    peaks = find_peaks(codes_zyx, floor=1e-4, share=0.4, min_voxels=2)
    labels = np.zeros(codes_zyx.shape, dtype=int)
    for i in range(len(peaks)):
        assert not labels.flat[peaks.piece(i)].any()
        labels.flat[peaks.piece(i)] = i + 1
    assert ndimage.label(labels > 0, AROUND)[1] == len(peaks)
    assert np.all(np.diff(peaks.codes.astype(int)) <= 0)


@settings(max_examples=50, deadline=None)
@given(volumes(), st.integers(0, 2**32 - 1))
def test_voxels_that_are_not_asked_for_count_as_0(codes_zyx: Codes, seed: int) -> None:
    asked = np.random.default_rng(seed).random(codes_zyx.shape) < 0.5
    among = find_peaks(codes_zyx, floor=1e-4, share=0.4, min_voxels=1, among=np.flatnonzero(asked))
    alone = find_peaks(
        np.where(asked, codes_zyx, 0).astype(np.uint8), floor=1e-4, share=0.4, min_voxels=1
    )
    assert np.array_equal(among.places, alone.places)
    assert np.array_equal(among.first, alone.first)
    assert np.array_equal(among.codes, alone.codes)


def hill(shape: tuple[int, int, int], at: tuple[int, int, int], peak: float, mm: float) -> Codes:
    squared = sum((axis - c) ** 2 for axis, c in zip(np.indices(shape), at, strict=True))
    return encode((peak * np.exp(-squared / (2 * mm**2))).astype(np.float32), floor=1e-5)


def test_the_slope_of_a_hill_is_no_lesion_of_its_own() -> None:
    codes = hill((24, 24, 24), (12, 12, 12), 0.9, 2.5)
    peaks = find_peaks(codes, floor=1e-4, share=0.4, min_voxels=2)
    assert len(peaks) == 1
    assert np.array_equal(peaks.piece(0), np.flatnonzero(PROBABILITIES[codes] >= 0.4 * 0.9))


def test_a_faint_lesion_beside_a_bright_one_is_found() -> None:
    shape = (20, 20, 40)
    codes = np.maximum(hill(shape, (10, 10, 10), 0.95, 2), hill(shape, (10, 10, 26), 0.003, 2))
    peaks = find_peaks(codes, floor=1e-4, share=0.4, min_voxels=2)
    assert PROBABILITIES[peaks.codes] == pytest.approx([0.95, 0.003], rel=0.07)


def test_a_speck_is_noise_and_hides_nothing_around_it() -> None:
    codes = encode(np.full((5, 5, 5), 0.05, dtype=np.float32), floor=1e-4)
    codes[2, 2, 2] = 200
    peaks = find_peaks(codes, floor=1e-4, share=0.4, min_voxels=3)
    assert len(peaks) == 1
    assert len(peaks.piece(0)) == 125


def test_nothing_is_found_in_nothing() -> None:
    peaks = find_peaks(np.zeros((3, 4, 5), dtype=np.uint8), floor=1e-4, share=0.4, min_voxels=1)
    assert len(peaks) == 0
    assert peaks.places.size == 0
