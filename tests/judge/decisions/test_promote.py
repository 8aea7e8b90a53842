"""Promotion: better on the whole, no structure left behind, and silence where gold is too small."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from scalemai_core.judge.decisions.promote import Promotion, promote
from scalemai_core.settings.engine import EvaluateSettings

STRUCTURES = ("aorta", "liver", "spleen")
SETTINGS = EvaluateSettings(bootstraps=300)


def scores(
    better: Callable[[str], float], *, patients: int = 8, gold: str = "select"
) -> pl.DataFrame:
    """A champion at 0.8 everywhere, and a challenger that is better by ``better(structure)``."""
    rng = np.random.default_rng(0)
    rows = []
    for patient in range(patients):
        for structure in STRUCTURES:
            old = 0.8 + rng.normal(0, 0.02)
            row = {"scan_id": f"{gold} {patient}", "patient": f"{gold} {patient}", "gold": gold}
            new = old + better(structure) + rng.normal(0, 0.002)
            rows.append(row | {"structure": structure, "dice": new, "champion_dice": old})
    schema = {"dice": pl.Float64, "champion_dice": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=schema)


def judge(
    frame: pl.DataFrame, settings: EvaluateSettings = SETTINGS, *, champion: bool = True
) -> Promotion:
    return promote(frame, settings, np.random.default_rng(0), champion=champion)


def test_a_better_model_is_promoted_with_its_numbers() -> None:
    promotion = judge(scores(lambda _: 0.05))
    assert promotion.promoted
    assert promotion.score is not None
    assert promotion.score.patients == 8
    assert promotion.score.difference_low is not None
    assert 0 < promotion.score.difference_low < 0.06
    assert promotion.score.mean_dice == pytest.approx(0.85, abs=0.02)
    assert promotion.score.champion_mean_dice == pytest.approx(0.80, abs=0.02)
    assert "+0.05" in promotion.reason


@pytest.mark.parametrize("gain", [-0.05, 0.0])
def test_an_equal_or_worse_model_is_not(gain: float) -> None:
    promotion = judge(scores(lambda _: gain))
    assert not promotion.promoted
    assert "does not exceed 0" in promotion.reason


def test_a_model_that_loses_one_structure_is_not_promoted_for_the_others() -> None:
    promotion = judge(scores(lambda name: -0.1 if name == "spleen" else 0.2))
    assert not promotion.promoted
    assert promotion.reason.startswith("spleen may lose")
    assert promotion.score is not None
    assert promotion.score.worst_structure == "spleen"
    lenient = EvaluateSettings(bootstraps=300, margin_dice=0.2)
    assert judge(scores(lambda name: -0.1 if name == "spleen" else 0.2), lenient).promoted


def test_the_first_model_has_nobody_to_beat() -> None:
    promotion = judge(scores(lambda _: 0.0), champion=False)
    assert promotion.promoted
    assert promotion.score is not None
    assert promotion.score.champion_mean_dice is None
    assert promotion.score.difference_low is None


def test_too_few_patients_are_not_assessable() -> None:
    promotion = judge(scores(lambda _: 0.1, patients=2))
    assert not promotion.promoted
    assert promotion.reason.startswith("not assessable: 2 gold 'select' patients")
    waved = EvaluateSettings(bootstraps=300, promote_unassessed=True)
    assert judge(scores(lambda _: 0.1, patients=2), waved).promoted


@pytest.mark.parametrize("champion", [True, False])
def test_without_gold_nothing_is_assessable_and_nothing_breaks(*, champion: bool) -> None:
    promotion = judge(scores(lambda _: 0.1).clear(), champion=champion)
    assert not promotion.promoted
    assert promotion.score is None
    assert "no gold 'select' patient" in promotion.reason


def test_test_patients_are_reported_and_decide_nothing() -> None:
    worse = scores(lambda _: -0.5, gold="test")
    both = judge(pl.concat([scores(lambda _: 0.05), worse]))
    assert both.promoted
    assert both.score is not None
    assert both.score.test_patients == 8
    assert both.score.test_mean_dice == pytest.approx(0.3, abs=0.03)
    only_test = judge(worse)
    assert not only_test.promoted
    assert only_test.score is None


def test_structures_that_the_champion_never_knew_do_not_break_the_comparison() -> None:
    frame = scores(lambda _: 0.05).with_columns(
        champion_dice=pl.when(pl.col("structure") == "aorta").then(None).otherwise("champion_dice")
    )
    promotion = judge(frame)
    assert promotion.score is not None
    assert promotion.score.worst_structure in ("liver", "spleen")


def test_rows_in_any_order_give_the_same_answer() -> None:
    frame = scores(lambda _: 0.05)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=3)
    assert judge(frame) == judge(shuffled)
