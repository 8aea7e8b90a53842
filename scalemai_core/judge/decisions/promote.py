"""Whether a new model takes the champion's place: one endpoint, and no structure left behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from scalemai_core.judge.decisions.gold import score_gold
from scalemai_core.records.gold import Endpoint, GoldScore
from scalemai_core.settings.engine import EvaluateSettings

ENDPOINTS: dict[Endpoint, str] = {
    "dice": "mean Dice",
    "nsd": "mean surface Dice",
    "lesion_sensitivity": "lesion sensitivity",
}
_NAMED = 3
"""Rare structures that a reason names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """Promote or not, and the reason in words."""

    promoted: bool
    reason: str
    score: GoldScore | None


def promote(
    scores: pl.DataFrame,
    settings: EvaluateSettings,
    rng: np.random.Generator,
    *,
    champion: bool,
    lesions: pl.DataFrame | None = None,
) -> Promotion:
    """Compare challenger and champion on gold ``select`` (method reference, section 10.3).

    ``scores`` has a row a trusted mask: scan_id, gold, patient, structure, dice, nsd (null where
    the truth is empty), false_positive, and the same three of the champion (null without one).
    ``lesions`` has a row a scan of gold ``select`` and site: scan_id, patient, site, lesions,
    found, false_positives, champion_found, champion_false_positives. ``champion`` says whether
    there is one.
    """
    score = score_gold(scores, lesions, settings, rng, champion=champion)
    if score is None:
        return _unassessed("no gold 'select' patient", settings, score=None)
    if not champion:
        return Promotion(promoted=True, reason="first model: nobody to beat", score=score)
    why = _too_little(score, settings)
    if why:
        return _unassessed(why, settings, score=score)
    return _compare(score, settings)


def _too_little(score: GoldScore, settings: EvaluateSettings) -> str:
    """What is missing for a comparison; empty where nothing is."""
    needed = settings.min_patients
    if score.patients < needed:
        return f"{score.patients} gold 'select' patients, {needed} are needed"
    if settings.primary == "lesion_sensitivity":
        ill = score.lesions.patients if score.lesions else 0
        if ill < needed:
            return f"{ill} gold 'select' patients with lesions, {needed} are needed"
    if score.gain is None:
        return f"the champion has no {ENDPOINTS[settings.primary]} to compare with"
    if score.worst_low is None:
        return f"no structure in {needed} gold 'select' patients"
    return ""


def _compare(score: GoldScore, settings: EvaluateSettings) -> Promotion:
    """``score`` has a gain and a bound."""
    gain, worst = score.gain, score.worst_low
    if gain is None or worst is None:
        raise ValueError("nothing to compare")
    rose = f"{ENDPOINTS[settings.primary]} {gain.value:+.3f}"
    if gain.low <= 0:
        promoted, reason = False, f"{rose}, lower bound {gain.low:+.3f} does not exceed 0"
    elif worst < -settings.margin_dice:
        promoted = False
        reason = (
            f"{score.worst_structure} may lose {-worst:.3f} Dice, "
            f"more than the margin of {settings.margin_dice:.3f}"
        )
    else:
        promoted = True
        reason = f"{rose} (lower bound {gain.low:+.3f}), no structure beyond the margin"
    more = [reason, *_lesion_words(score), *_rare_words(score)]
    return Promotion(promoted=promoted, reason="; ".join(more), score=score)


def _lesion_words(score: GoldScore) -> list[str]:
    lesions = score.lesions
    if lesions is None:
        return []
    found = lesions.sensitivity
    words = f"{found.new.value:.1%} of {lesions.lesions} lesions found"
    if found.champion:
        words += f" (champion {found.champion.value:.1%})"
    words += f" at {lesions.false_positives_per_scan:.2f} false positives a scan"
    if lesions.champion_false_positives_per_scan is not None:
        words += f" (champion {lesions.champion_false_positives_per_scan:.2f})"
    return [words]


def _rare_words(score: GoldScore) -> list[str]:
    rare = score.rare
    if not rare:
        return []
    named = ", ".join(rare[:_NAMED]).replace("_", " ") + (", ..." if len(rare) > _NAMED else "")
    return [f"{len(rare)} too rare for a bound of their own: {named}"]


def _unassessed(why: str, settings: EvaluateSettings, score: GoldScore | None) -> Promotion:
    if settings.promote_unassessed:
        reason = f"not assessable ({why}); promoted because evaluate.promote_unassessed says so"
        return Promotion(promoted=True, reason=reason, score=score)
    advice = "add gold patients, or set evaluate.promote_unassessed"
    reason = f"not assessable: {why}; {advice}"
    return Promotion(promoted=False, reason=reason, score=score)
