"""Columns of many parts become one table: NaN is nothing, and so is None."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from scalemai_core.records.columns import Columns, joined


def test_parts_lie_behind_one_another() -> None:
    parts: list[Columns] = [
        {"name": ["a", "b"], "dice": np.array([0.5, np.nan]), "pieces": np.array([1, 2])},
        {"name": [], "dice": np.array([]), "pieces": np.array([], dtype=np.int64)},
        {"name": [None], "dice": np.array([0.25]), "pieces": np.array([3])},
    ]
    table = joined(parts)
    assert table.to_dict(as_series=False) == {
        "name": ["a", "b", None],
        "dice": [0.5, None, 0.25],
        "pieces": [1, 2, 3],
    }
    assert table.schema == {"name": pl.String, "dice": pl.Float64, "pieces": pl.Int64}


def test_nothing_is_a_table_without_columns() -> None:
    assert joined([]).shape == (0, 0)


def test_a_part_that_lacks_a_column_is_an_error() -> None:
    with pytest.raises(KeyError):
        joined([{"a": [1], "b": [2]}, {"a": [1]}])
