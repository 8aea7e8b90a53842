"""The label-quality benchmark in its short mode: every arm plays, and its table is complete."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

pytestmark = [pytest.mark.flow, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
ARMS = ("engine", "random review")


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The table that the benchmark writes."""
    folder = tmp_path_factory.mktemp("label_quality")
    subprocess.run(
        [
            sys.executable,
            str(ROOT / "benchmarks" / "label_quality.py"),
            str(folder),
            *("--seed", "3", "--quick", "--jobs", "1"),
            *("--arms", *ARMS),
        ],
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        timeout=1800,
    )
    return pl.read_csv(folder / "seed-3" / "label_quality.csv")


def test_every_arm_starts_from_the_same_labels_and_stays_in_the_budget(
    scores: pl.DataFrame,
) -> None:
    assert tuple(scores["arm"]) == ARMS
    assert scores["masks"].n_unique() == scores["dice_before"].n_unique() == 1
    assert scores["opened"].max() <= 0.06, "the budget counts imputed masks too"


def test_the_engine_mends_more_than_people_at_random(scores: pl.DataFrame) -> None:
    by_arm = {row["arm"]: row for row in scores.iter_rows(named=True)}
    engine, random = by_arm["engine"], by_arm["random review"]
    assert engine["dice_after"] > random["dice_after"] > random["dice_before"]
    assert engine["dice_automatic"] > engine["dice_before"]
    assert engine["corrected"] > random["corrected"]
