"""Whether a new model takes the champion's place: one endpoint, and no structure left behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from scalemai_core.measure.statistics import Floats, paired_difference
from scalemai_core.records.round import GoldScore
from scalemai_core.records.scan import GoldRole
from scalemai_core.settings.engine import EvaluateSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """Promote or not, and the reason in words."""

    promoted: bool
    reason: str
    score: GoldScore | None


def promote(
    scores: pl.DataFrame, settings: EvaluateSettings, rng: np.random.Generator, *, champion: bool
) -> Promotion:
    """Compare challenger and champion on gold ``select`` (method reference, section 10.3).

    ``scores`` has the columns scan_id, gold, patient, structure, dice, champion_dice (null without
    a champion); Dice is null where the truth is empty. ``champion`` says whether there is one.
    """
    scores = scores.sort("scan_id", "structure")  # sums, and so bounds, follow the order
    select = scores.filter((pl.col("gold") == GoldRole.SELECT.value) & pl.col("dice").is_not_null())
    patients = select["patient"].n_unique()
    if not patients:
        return _unassessed("no gold 'select' patient", settings, champion=champion, score=None)
    score = _score(scores, select, settings, rng, champion=champion)
    if not champion:
        return Promotion(promoted=True, reason="first model: nobody to beat", score=score)
    if patients < settings.min_patients:
        why = f"{patients} gold 'select' patients, {settings.min_patients} are needed"
        return _unassessed(why, settings, champion=champion, score=score)
    return _compare(score, settings)


def _compare(score: GoldScore, settings: EvaluateSettings) -> Promotion:
    low, worst = score.difference_low or 0.0, score.worst_low or 0.0
    gain = score.mean_dice - (score.champion_mean_dice or 0.0)
    if low <= 0:
        reason = f"mean Dice {gain:+.3f}, lower bound {low:+.3f} does not exceed 0"
        return Promotion(promoted=False, reason=reason, score=score)
    if worst < -settings.margin_dice:
        reason = (
            f"{score.worst_structure} may lose {-worst:.3f} Dice, "
            f"more than the margin of {settings.margin_dice:.3f}"
        )
        return Promotion(promoted=False, reason=reason, score=score)
    reason = f"mean Dice {gain:+.3f} (lower bound {low:+.3f}), no structure beyond the margin"
    return Promotion(promoted=True, reason=reason, score=score)


def _unassessed(
    why: str, settings: EvaluateSettings, *, champion: bool, score: GoldScore | None
) -> Promotion:
    if settings.promote_unassessed:
        reason = f"not assessable ({why}); promoted because evaluate.promote_unassessed says so"
        return Promotion(promoted=True, reason=reason, score=score)
    advice = "add gold patients, or set evaluate.promote_unassessed"
    reason = f"not assessable: {why}; {advice}"
    return Promotion(promoted=False, reason=reason, score=score)


def _score(
    scores: pl.DataFrame,
    select: pl.DataFrame,
    settings: EvaluateSettings,
    rng: np.random.Generator,
    *,
    champion: bool,
) -> GoldScore:
    test = scores.filter((pl.col("gold") == GoldRole.TEST.value) & pl.col("dice").is_not_null())
    low = worst_low = worst = None
    if champion:
        structures = sorted(select["structure"].unique())
        new, old = _matrix(select, "dice", structures), _matrix(select, "champion_dice", structures)
        patients = select.unique("scan_id", maintain_order=True).sort("scan_id")["patient"]
        bounds = paired_difference(new, old, patients.to_list(), rng, num=settings.bootstraps).low
        low, by_structure = float(bounds[-1]), bounds[:-1]
        worst_index = int(np.nanargmin(by_structure))
        worst, worst_low = structures[worst_index], float(by_structure[worst_index])
    return GoldScore(
        patients=select["patient"].n_unique(),
        mean_dice=_mean(select, "dice"),
        champion_mean_dice=_mean(select, "champion_dice") if champion else None,
        difference_low=low,
        worst_structure=worst,
        worst_low=worst_low,
        test_patients=test["patient"].n_unique(),
        test_mean_dice=_mean(test, "dice") if test.height else None,
    )


def _matrix(frame: pl.DataFrame, column: str, structures: list[str]) -> Floats:
    """Scans x structures, and the mean over structures as a last column; NaN where unknown."""
    wide = frame.pivot("structure", index="scan_id", values=column).sort("scan_id")
    values = wide.select(structures).cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return np.column_stack([values, np.nanmean(values, axis=1)])


def _mean(frame: pl.DataFrame, column: str) -> float:
    """Mean over structures of the mean over their scans: rare structures count as much."""
    means = frame.group_by("structure", maintain_order=True).agg(pl.col(column).mean())[column]
    return float(np.mean(means.drop_nulls().to_numpy()))
