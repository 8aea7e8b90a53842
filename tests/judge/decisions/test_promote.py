"""Promotion: better on the whole, no structure left behind, and silence where gold is too small."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from scalemai_core.judge.decisions.promote import Promotion, promote
from scalemai_core.settings.engine import EvaluateSettings

STRUCTURES = ("aorta", "liver", "spleen")
NUMBERS = ("dice", "nsd", "champion_dice", "champion_nsd")
SETTINGS = EvaluateSettings(bootstraps=300)


def scores(
    better: Callable[[str], float],
    *,
    patients: int = 8,
    gold: str = "select",
    structures: tuple[str, ...] = STRUCTURES,
    surface: float = 0.0,
) -> pl.DataFrame:
    """A champion at 0.8 everywhere, and a challenger that is better by ``better(structure)``.

    Its surface Dice is lower by 0.1 as the champion's is, and higher by ``surface``.
    """
    rng = np.random.default_rng(0)
    rows = []
    for patient in range(patients):
        for structure in structures:
            old = 0.8 + rng.normal(0, 0.02)
            row = {"scan_id": f"{gold} {patient}", "patient": f"{gold} {patient}", "gold": gold}
            new = old + better(structure) + rng.normal(0, 0.002)
            row |= {"structure": structure, "dice": new, "champion_dice": old}
            row |= {"nsd": new - 0.1 + surface, "champion_nsd": old - 0.1}
            rows.append(row | {"false_positive": False, "champion_false_positive": False})
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(NUMBERS, pl.Float64))


def judge(
    frame: pl.DataFrame,
    settings: EvaluateSettings = SETTINGS,
    *,
    champion: bool = True,
    lesions: pl.DataFrame | None = None,
) -> Promotion:
    rng = np.random.default_rng(0)
    return promote(frame, settings, rng, champion=champion, lesions=lesions)


def lesion_rows(found: int, champion: int, *, patients: int = 6) -> pl.DataFrame:
    """Ten lesions a patient, of which the two models find so many."""
    return pl.DataFrame(
        {
            "scan_id": [f"select {k}" for k in range(patients)],
            "patient": [f"select {k}" for k in range(patients)],
            "site": "liver", "lesions": 10, "found": found, "false_positives": 3,
            "champion_found": champion, "champion_false_positives": 2,
        }
    )  # fmt: skip


def test_a_better_model_is_promoted_with_its_numbers() -> None:
    promotion = judge(scores(lambda _: 0.05))
    assert promotion.promoted
    assert promotion.score is not None
    assert promotion.score.patients == 8
    assert promotion.score.gain is not None
    assert 0 < promotion.score.gain.low < promotion.score.gain.value < 0.06
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
    assert promotion.score.gain is None
    assert all(one.dice.champion is None for one in promotion.score.structures)


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


def test_every_structure_has_both_models_and_the_difference_with_intervals() -> None:
    score = judge(scores(lambda name: 0.1 if name == "liver" else 0.02)).score
    assert score is not None
    assert [one.structure for one in score.structures] == list(STRUCTURES)
    liver = score.structures[1]
    assert liver.patients == 8
    assert liver.bounded
    for measured in (liver.dice, liver.nsd):
        assert measured.gain is not None
        assert measured.champion is not None
        assert measured.gain.low < measured.gain.value < measured.gain.high
        assert measured.gain.value == pytest.approx(0.1, abs=0.005)
        assert measured.new.value - measured.champion.value == pytest.approx(measured.gain.value)
    assert liver.dice.gain is not None
    assert score.gain is not None
    assert score.gain.value == pytest.approx(score.mean_dice - (score.champion_mean_dice or 0))


def test_the_endpoint_of_the_settings_decides() -> None:
    frame = scores(lambda _: 0.03, surface=-0.06)
    assert judge(frame).promoted
    by_surface = judge(frame, EvaluateSettings(bootstraps=300, primary="nsd"))
    assert not by_surface.promoted
    assert by_surface.reason.startswith("mean surface Dice -0.0")
    assert by_surface.score is not None
    assert by_surface.score.endpoint == "nsd"


def test_a_structure_of_few_patients_has_no_bound_of_its_own_and_the_reason_names_it() -> None:
    rare = scores(lambda _: -0.3, patients=2, structures=("colon",))
    promotion = judge(pl.concat([scores(lambda _: 0.2), rare]))
    assert promotion.promoted
    assert promotion.reason.endswith("; 1 too rare for a bound of their own: colon")
    assert promotion.score is not None
    assert promotion.score.rare == ("colon",)
    assert promotion.score.worst_structure in STRUCTURES


def test_rare_structures_may_not_all_be_lost_together() -> None:
    frames = [scores(lambda _: 0.3)]
    for k, name in enumerate(("colon", "bladder", "stomach")):
        rare = scores(lambda _: -0.2, patients=1, structures=(name,))
        own = {"scan_id": pl.lit(f"select {k}"), "patient": pl.lit(f"select {k}")}
        frames.append(rare.with_columns(**own))
    promotion = judge(pl.concat(frames))
    assert not promotion.promoted
    assert promotion.reason.startswith("rare structures together may lose")
    assert "3 too rare for a bound of their own: bladder, colon, stomach" in promotion.reason


def test_lesions_may_be_the_endpoint_and_are_always_told() -> None:
    settings = EvaluateSettings(bootstraps=300, primary="lesion_sensitivity")
    frame = scores(lambda _: 0.001)
    better = judge(frame, settings, lesions=lesion_rows(9, 7))
    assert better.promoted
    assert better.reason.startswith("lesion sensitivity +0.200 (lower bound +0.200)")
    assert "90.0% of 60 lesions found (champion 70.0%) at 3.00 false positives" in better.reason
    worse = judge(frame, settings, lesions=lesion_rows(7, 9))
    assert not worse.promoted
    few = judge(frame, settings, lesions=lesion_rows(9, 7, patients=2))
    assert few.reason.startswith("not assessable: 2 gold 'select' patients with lesions")
    assert judge(frame, settings).reason.startswith("not assessable: 0 gold 'select' patients")
    assert "of 60 lesions found" in judge(scores(lambda _: 0.05), lesions=lesion_rows(9, 9)).reason


def test_masks_of_what_a_scan_lacks_are_counted_and_are_no_dice() -> None:
    frame = scores(lambda _: 0.05)
    empty = frame.filter(pl.col("structure") == "aorta").with_columns(
        *(pl.lit(None, dtype=pl.Float64).alias(name) for name in NUMBERS),
        structure=pl.lit("prostate"),
        false_positive=pl.col("patient").is_in(["select 1", "select 2"]),
    )
    score = judge(pl.concat([frame, empty])).score
    assert score is not None
    assert (score.sightings.absent, score.sightings.new, score.sightings.champion) == (8, 2, 0)
    assert [one.structure for one in score.structures] == list(STRUCTURES)
