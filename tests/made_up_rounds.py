"""Made-up rounds for the tests of pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from scalemai_core.records.expert import ExpertReport, Family
from scalemai_core.records.gold import (
    Estimate,
    GoldScore,
    Measured,
    Sightings,
    StructureScore,
)
from scalemai_core.records.round import RoundResult, TruthScore

TRUTH = TruthScore(
    masks=1720, mean_dice_before=0.8714, mean_dice_automatic=0.9191, mean_dice_after=0.9337,
    under_80_before=0.142, under_80_after=0.051, faulty=244, corrected=161, made_worse=7, held=21,
)  # fmt: skip


def measured(new: float, champion: float | None, half: float) -> Measured:
    """Two models and their difference, each give or take ``half``."""

    def around(value: float) -> Estimate:
        return Estimate(value=value, low=value - half, high=min(value + half, 1.0))

    if champion is None:
        return Measured(new=around(new))
    return Measured(new=around(new), champion=around(champion), gain=around(new - champion))


def structure_score(
    name: str, new: float, champion: float | None, *, half: float = 0.01, patients: int = 24
) -> StructureScore:
    """One structure; its surface Dice is a little lower."""
    return StructureScore(
        structure=name, patients=patients, bounded=patients > 2,
        dice=measured(new, champion, half),
        nsd=measured(new - 0.04, None if champion is None else champion - 0.03, half),
    )  # fmt: skip


GOLD = GoldScore(
    patients=24, endpoint="dice", mean_dice=0.9023, champion_mean_dice=0.8901, mean_nsd=0.8712,
    champion_mean_nsd=0.8655, tolerances=1, gains={
        "dice": Estimate(value=0.0122, low=0.0042, high=0.0199),
        "nsd": Estimate(value=0.0057, low=-0.0021, high=0.0134),
    },
    worst_structure="adrenal_gland_left", worst_low=-0.0113,
    structures=(
        structure_score("adrenal_gland_left", 0.8231, 0.8215, half=0.013),
        structure_score("liver", 0.9533, 0.9490, half=0.004),
        structure_score("prostate", 0.7712, 0.8011, half=0.06, patients=2),
        structure_score("spleen", 0.9012, None),
    ),
    sightings=Sightings(absent=41, new=3, champion=5),
    test_patients=20, test_mean_dice=0.8974, test_mean_nsd=0.8611, test_openings=2,
)  # fmt: skip
EXPERT = ExpertReport(
    source="gold", patients=12, masks=9120, calibration_error=0.021,
    families=(
        Family(kind="organ", pairs=812, patients=11, coverage=0.931, accuracy=0.984, low=0.971,
               enabled=True),
        Family(kind="vessel", pairs=64, patients=9, coverage=0.61, accuracy=0.91, low=0.84,
               enabled=False),
    ),
)  # fmt: skip
STAND_IN = EXPERT.model_copy(update={"source": "stand-in"})
NO_EXPERT = ExpertReport(source="none", patients=0, masks=0, calibration_error=None, families=())
EVIDENCE = {"loglik_current": -0.812, "loglik_prediction": -0.104, "entropy": 0.211}
NO_GOLD: dict[str, Any] = {
    "gold": None, "promoted": False,
    "promotion_reason": "not assessable: 0 gold patients, 3 are needed",
}  # fmt: skip
DECISIONS = {"keep": 1610, "replace": 93, "impute": 41, "set_absent": 8, "review": 43, "hold": 21}


def make_result(**changes: Any) -> RoundResult:
    """Round 2 of a workspace with truth and gold, but for the changes."""
    values: dict[str, Any] = {
        "number": 2, "base_version": 5, "dataset_version": 6, "model_version": 3, "promoted": True,
        "promotion_reason": "mean Dice on gold rose by 0.012", "scans": 420, "failed_scans": 0,
        "masks": 1781, "decisions": DECISIONS, "changed": 1162, "changed_automatically": 1119,
        "reviewed": 43, "reviewed_share": 0.0242, "human_minutes": 38.4, "held": 21, "audited": 150,
        "audit_errors": 2, "audit_population": 1119, "audit_upper_bound": 0.0414,
        "audit_width": 0.0281, "expert": EXPERT, "evidence": EVIDENCE, "stop": None,
        "findings": {"components": 31},
        "mean_agreement": 0.9042, "out_of_fold": True, "gold": GOLD, "truth": TRUTH,
        "seconds": {"predict": 1840.0, "train": 9120.0, "publish": 0.4},
        "finished": datetime(2026, 3, 14, 16, 42, tzinfo=UTC),
    } | changes  # fmt: skip
    return RoundResult(**values)


def make_structures(**changes: Any) -> pl.DataFrame:
    """Two structures, one of them <busy> and with a name that must be escaped."""
    columns: dict[str, Any] = {
        "structure": ["liver", "a<b>&c"], "masks": [411, 397], "keep": [400, 300],
        "replace": [5, 41], "impute": [3, 23], "set_absent": [0, 1], "review": [2, 19],
        "hold": [1, 13], "agreement": [0.9612, 0.8123], "truth_before": [0.9401, 0.7312],
        "truth_after": [0.9511, 0.8442], "quality": [0.9712, 0.6123],
    } | changes  # fmt: skip
    return pl.DataFrame(columns)


FINDINGS = pl.DataFrame(
    {
        "rule": ["side", "components"], "findings": [4, 57], "masks": [4, 31],
        "doubtful": [4, 12], "compared": [4, 50], "wrong": [3, 20],
        "example": ["kidney_left lies on the right", "liver: 3 components"],
    }
)  # fmt: skip
JUDGED = pl.DataFrame(
    {
        "said": ["good", "good", "doubtful", "doubtful", "unknown"],
        "found": [False, True, False, True, False], "masks": [500, 60, 100, 48, 100],
        "quality": [0.9712, 0.8812, 0.2123, 0.0912, None], "keep": [500, 60, 0, 0, 50],
        "replace": [0, 0, 60, 40, 0], "impute": [0, 0, 0, 0, 50], "set_absent": [0, 0, 0, 2, 0],
        "review": [0, 0, 10, 3, 0], "hold": [0, 0, 30, 3, 0], "compared": [500, 60, 100, 48, 0],
        "wrong": [20, 12, 70, 40, 0],
    }
)  # fmt: skip
OUTCOME = pl.DataFrame(
    {
        "action": ["keep", "replace", "impute"], "masks": [560, 100, 50],
        "wrong_before": [32, 90, None], "wrong_after": [31, 5, 2], "better": [1, 93, None],
        "worse": [0, 4, None], "dice_before": [0.9512, 0.4123, None],
        "dice_after": [0.9513, 0.9312, 0.8801],
    }
)  # fmt: skip
PEOPLE = pl.DataFrame(
    {
        "kind": ["choose", "audit", "audit"],
        "reason": ["no mask is surely good", "set_absent", "touched"], "answers": [43, 12, 2],
        "current": [10, 1, 0], "other": [20, 11, 2], "drawn": [13, 0, 0], "chosen": [30, 12, 2],
        "agreed": [25, 11, 2],
    }
)  # fmt: skip
