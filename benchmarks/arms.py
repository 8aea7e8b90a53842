"""The label-quality benchmark's other ways to spend the same review budget.

Every arm judges with the same predictions and hands its decisions to the same review, revision and
training as the engine does; only the decisions and the order of the questions differ.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from scalemai_core.judge.decisions.budget import Allowance
from scalemai_core.records.decision import Action

Policy = Callable[[pl.DataFrame, Allowance, int], pl.DataFrame]
"""Judgement table, allowance and seed -> the table with ``action`` and, for reviews, ``worth``."""


def pseudo_label(table: pl.DataFrame, allowance: Allowance, seed: int) -> pl.DataFrame:
    """Every mask becomes the prediction; people see random ones."""
    unknown = pl.col("state") == "unknown"
    seen = pl.col("volume_ml_prediction") > 0
    taken = (
        pl.when(unknown & ~seen)
        .then(pl.lit(Action.KEEP.value))
        .when(unknown)
        .then(pl.lit(Action.IMPUTE.value))
        .when(seen)
        .then(pl.lit(Action.REPLACE.value))
        .otherwise(pl.lit(Action.SET_ABSENT.value))
    )
    return _reviewed(table.with_columns(action=taken), _random(table, seed), allowance)


def random_review(table: pl.DataFrame, allowance: Allowance, seed: int) -> pl.DataFrame:
    """Every mask is kept; people see random ones."""
    return _reviewed(_kept(table), _random(table, seed), allowance)


def entropy_review(table: pl.DataFrame, allowance: Allowance, seed: int) -> pl.DataFrame:
    """Every mask is kept; people see those where the model is least sure (mean entropy)."""
    return _reviewed(_kept(table), table["entropy"], allowance)


def attention_review(table: pl.DataFrame, allowance: Allowance, seed: int) -> pl.DataFrame:
    """Every mask is kept; people see those with the largest attention (method reference, 1.5 C).

    The unnormalised sum of uncertainty over the mask's voxels, and the volume it shares with
    structures that exclude it; with one critic a scan the inconsistency of models is 0.
    """
    union_ml = table["volume_ml_current"] + table["volume_ml_prediction"] - table["intersection_ml"]
    overlaps = table["findings_current"].str.contains("overlap").cast(pl.Float64)
    return _reviewed(
        _kept(table), table["entropy"].fill_null(0.0) * union_ml + overlaps * union_ml, allowance
    )


POLICIES: dict[str, Policy] = {
    "pseudo-label everything": pseudo_label,
    "random review": random_review,
    "entropy review": entropy_review,
    "attention review": attention_review,
}


def _kept(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(action=pl.lit(Action.KEEP.value))


def _random(table: pl.DataFrame, seed: int) -> pl.Series:
    return pl.Series(np.random.default_rng(seed).random(table.height))


def _reviewed(table: pl.DataFrame, worth: pl.Series, allowance: Allowance) -> pl.DataFrame:
    """The masks worth most go to people, as many as the budget allows; gold and reviewed stay."""
    stays = pl.col("gold").is_not_null() | (pl.col("origin") == "human")
    asked = ~stays & (pl.col("state") != "unknown")
    ranked = (
        table.with_columns(worth=worth)
        .with_columns(rank=pl.when(asked).then("worth").rank("ordinal", descending=True))
        .with_columns(people=pl.col("rank") <= allowance.questions + allowance.audits)
    )
    return ranked.with_columns(
        action=pl.when(stays)
        .then(pl.lit(Action.KEEP.value))
        .when(pl.col("people").fill_null(value=False))
        .then(pl.lit(Action.REVIEW.value))
        .otherwise("action")
    )
