"""Boosted trees read out in compiled loops: a round scores millions of masks, twice each.

Going down a tree waits for one unforeseeable branch after the other. Here every split of a tree is
asked instead, each of many rows at once (the idea of QuickScorer, Lucchese et al. 2015): a split
that sends a row to the right strikes out the leaves on its left; the first leaf that is left over
is the row's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.errors import UsageError
from scalemai_core.volume.compiled import compiled

Floats = NDArray[np.float64]

SPLIT = np.dtype(
    [("threshold", "f8"), ("right_leaves", "u8"), ("feature", "i4"), ("missing_left", "i4")]
)
"""``right_leaves`` has a bit for every leaf but those on the split's left."""

MOST_LEAVES = 64
"""Of a tree: bits of a word."""

BLOCK = 64
"""Rows that are asked together: they stay in the nearest cache."""

_DE_BRUIJN = 0x03F79D71B4CB0A89
_PLACES = np.zeros(64, np.int64)
"""Where a word's only bit is, by the word's product with a de Bruijn sequence."""
_PLACES[[(_DE_BRUIJN << bit & (2**64 - 1)) >> 58 for bit in range(64)]] = np.arange(64)


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """What scikit-learn's gradient boosting has learned, number for number."""

    baseline: float
    splits: NDArray[Any]
    values: Floats
    """Of the leaves, a tree's from left to right."""
    ends: NDArray[np.int64]
    """Of each tree: the number of splits and of leaves up to its end."""

    @classmethod
    def of(cls, fitted: Any) -> Trees:
        """Trees of a fitted ``HistGradientBoostingRegressor`` without categories.

        Raises UsageError if a tree has more than 64 leaves.
        """
        splits: list[tuple[float, int, int, int]] = []
        values: list[float] = []
        ends: list[tuple[int, int]] = []
        for (tree,) in fitted._predictors:
            first = len(values)
            _walk(tree.nodes, 0, first, splits, values)
            if len(values) - first > MOST_LEAVES:
                raise UsageError(f"a tree has more than {MOST_LEAVES} leaves")
            ends.append((len(splits), len(values)))
        return cls(
            baseline=float(fitted._baseline_prediction.item()),
            splits=np.array(splits, SPLIT),
            values=np.array(values),
            ends=np.array(ends, np.int64),
        )

    def __call__(self, x: Floats) -> Floats:
        """One value a row of ``x`` (float64 [rows, features], NaN where a number is missing)."""
        found = np.full(len(x), self.baseline)
        _add(np.ascontiguousarray(x, np.float64), self.splits, self.values, self.ends, found)
        return found


def _walk(
    nodes: NDArray[Any],
    at: int,
    first: int,
    splits: list[tuple[float, int, int, int]],
    values: list[float],
) -> None:
    """A node and all below it, leaves from left to right."""
    node = nodes[at]
    if node["is_leaf"]:
        values.append(float(node["value"]))
        return
    start = len(values) - first
    _walk(nodes, int(node["left"]), first, splits, values)
    on_left = (1 << (len(values) - first)) - (1 << start)
    right_leaves = (2**MOST_LEAVES - 1) & ~on_left
    threshold, feature = float(node["num_threshold"]), int(node["feature_idx"])
    splits.append((threshold, right_leaves, feature, int(node["missing_go_to_left"])))
    _walk(nodes, int(node["right"]), first, splits, values)


@compiled
def _add(
    x: Floats,
    splits: NDArray[Any],
    values: Floats,
    ends: NDArray[np.int64],
    found: Floats,
) -> None:
    rows = np.zeros((x.shape[1], BLOCK))
    leaves = np.zeros(BLOCK, np.uint64)
    for start in range(0, len(x), BLOCK):
        height = min(BLOCK, len(x) - start)
        for feature in range(x.shape[1]):
            for row in range(height):
                rows[feature, row] = x[start + row, feature]
        first_split, first_leaf = 0, 0
        for tree in range(len(ends)):
            _strike_out(rows, splits[first_split : ends[tree, 0]], leaves)
            for row in range(height):
                found[start + row] += values[first_leaf + _first(leaves[row])]
            first_split, first_leaf = ends[tree, 0], ends[tree, 1]


@compiled
def _strike_out(rows: Floats, splits: NDArray[Any], leaves: NDArray[np.uint64]) -> None:
    every = np.uint64(0xFFFFFFFFFFFFFFFF)
    leaves[:] = every
    for split in splits:
        threshold, right_leaves = split["threshold"], split["right_leaves"]
        numbers = rows[split["feature"]]
        # Every comparison with a missing number fails: which one is asked says where it goes.
        if split["missing_left"]:
            for row in range(BLOCK):
                leaves[row] &= right_leaves if numbers[row] > threshold else every
        else:
            for row in range(BLOCK):
                leaves[row] &= every if numbers[row] <= threshold else right_leaves


@compiled
def _first(word: np.uint64) -> int:
    """Place of the lowest bit that is set."""
    lowest = word & (~word + np.uint64(1))
    return _PLACES[(lowest * np.uint64(_DE_BRUIJN)) >> np.uint64(58)]
