"""Variation of intensities: what a draw says, no more and no less."""

from __future__ import annotations

import numpy as np

from scalemai_core.learn.feed.augment import Variation

SHAPE = (24, 32, 40)


def grey() -> np.ndarray:
    return np.full(SHAPE, 0.5, np.float32)


def test_no_variation_changes_nothing() -> None:
    assert np.array_equal(Variation().intensities(grey()), grey())


def test_gain_and_offset_stay_within_the_window() -> None:
    assert np.allclose(Variation(gain=1.1, offset=0.05).intensities(grey()), 0.6)
    assert (Variation(gain=3.0).intensities(grey()) == 1.0).all()
    assert (Variation(offset=-1.0).intensities(grey()) == 0.0).all()


def test_noise_is_normal_and_a_function_of_its_seed() -> None:
    one, again, other = (
        Variation(noise=0.04, noise_seed=seed).intensities(grey()) - 0.5 for seed in (1, 1, 2)
    )
    assert np.array_equal(one, again)
    assert abs(one.mean()) < 1e-3
    assert abs(one.std() - 0.04) < 1e-3
    assert 0.67 < (np.abs(one) < 0.04).mean() < 0.70
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.03


def test_noise_of_planes_and_of_neighbours_is_unrelated() -> None:
    noise = Variation(noise=0.04, noise_seed=3).intensities(grey()) - 0.5
    for axis in range(3):
        first, second = (np.delete(noise, end, axis=axis).ravel() for end in (0, -1))
        assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
