"""Trees read out in a compiled loop: what scikit-learn says, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingRegressor

from scalemai_core.errors import UsageError
from scalemai_core.judge.expert.trees import BLOCK, Trees


def lesson(seed: int, rows: int, missing: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=(rows, 6)), 1)  # ties: numbers that lie on thresholds
    x[rng.random(x.shape) < missing] = np.nan
    return x, np.nansum(x[:, :3], axis=1) + np.isnan(x[:, 4]) + rng.normal(size=rows)


@given(
    seed=st.integers(0, 2**16),
    rows=st.integers(60, 400),
    missing=st.sampled_from([0.0, 0.1, 0.6]),
    leaves=st.sampled_from([2, 31, 64]),
)
@settings(max_examples=25, deadline=None)
def test_every_row_gets_the_very_number(seed: int, rows: int, missing: float, leaves: int) -> None:
    x, y = lesson(seed, rows, missing)
    fitted = HistGradientBoostingRegressor(
        max_iter=9, max_leaf_nodes=leaves, min_samples_leaf=1, random_state=seed
    ).fit(x, y)
    asked, _ = lesson(seed + 1, 2 * BLOCK + 7, 0.2)
    asked[0] = np.nan
    asked[1], asked[2] = np.inf, -np.inf
    np.testing.assert_array_equal(Trees.of(fitted)(asked), fitted.predict(asked))
    np.testing.assert_array_equal(Trees.of(fitted)(x[:1]), fitted.predict(x[:1]))
    assert len(Trees.of(fitted)(x[:0])) == 0


def test_a_lesson_without_a_split_is_its_mean() -> None:
    x, _ = lesson(1, 50, 0.0)
    fitted = HistGradientBoostingRegressor(max_iter=3).fit(x, np.full(50, 0.7))
    np.testing.assert_array_equal(Trees.of(fitted)(x), fitted.predict(x))


def test_trees_with_more_leaves_than_a_word_has_bits_are_refused() -> None:
    x, y = lesson(2, 2000, 0.0)
    fitted = HistGradientBoostingRegressor(max_iter=1, max_leaf_nodes=65, min_samples_leaf=1)
    with pytest.raises(UsageError, match="64 leaves"):
        Trees.of(fitted.fit(x, y))
