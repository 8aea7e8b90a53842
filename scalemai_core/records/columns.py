"""Rows of a table by column: millions of them never become objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Column = NDArray[Any] | Sequence[Any]
"""An array, NaN for a number that is missing, or a list with None."""

Columns = Mapping[str, Column]
"""Columns of one length by name."""


def joined(parts: Sequence[Columns]) -> pl.DataFrame:
    """Parts with the same columns as one table, nothing where there is no part; NaN is null."""
    names = parts[0] if parts else ()
    return pl.DataFrame({name: _joined([part[name] for part in parts]) for name in names})


def _joined(values: Sequence[Column]) -> pl.Series:
    if isinstance(values[0], np.ndarray):
        return pl.Series(np.concatenate(values), nan_to_null=True)
    return pl.Series(list(chain.from_iterable(values)))
