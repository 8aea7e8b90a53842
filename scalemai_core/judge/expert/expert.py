"""The expert: one learned score a mask, its calibration, and the families it may act in.

The calibrated score is a mask's quality, P(Dice to the truth at least the structure's threshold);
the difference of two scores is the probability that one mask is better (method reference, sections
1.5 D, 2.7 and 2.8). Both are told in units of the error that is to be expected of a score.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scalemai_core.judge.expert.calibration import Curve, calibration_error, fit_curve
from scalemai_core.judge.expert.features import features
from scalemai_core.judge.expert.population import usual_by_structure
from scalemai_core.judge.expert.proof import prove_families
from scalemai_core.judge.expert.score import Estimate, Lesson, Score
from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Candidate
from scalemai_core.records.expert import ExpertReport
from scalemai_core.records.scan import GoldRole
from scalemai_core.settings.judgement import ExpertSettings

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TELLING_DICE = 0.02
"""Pairs that are closer than this teach nothing about which one is better."""

PREDICTIONS_SAY = 0.25
"""Weight of a prediction met again beside every degraded copy."""

UNTAUGHT_ERROR = 0.1
"""Error to expect of a score that nothing has taught. Ours."""

STAND_IN = "stand_in"
"""Role of masks whose agreement stands in for a truth."""

SIDES = (Candidate.CURRENT, Candidate.PREDICTION)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expert:
    """A fitted expert; ``score`` is None where there was nothing to learn from.

    Such an expert may act nowhere: what agrees and breaks no rule passes, people decide the rest.
    """

    usual: pl.DataFrame
    score: Score | None
    good: Curve
    """P(good) from the errors by which a mask exceeds its threshold, at the share of good masks
    that it practised on."""
    better: Curve
    """P(first is better) from the errors by which it exceeds the second."""
    practised: dict[Candidate, float]
    """Share of good masks among those it practised on, by side."""
    report: ExpertReport

    def estimate(self, rows: pl.DataFrame, side: Candidate) -> Estimate:
        """Expected Dice of one side's masks, one a judgement."""
        if self.score is None:
            return _agreement(rows, side)
        return self.score(features(rows, self.usual, side))

    @property
    def enabled(self) -> frozenset[str]:
        """Kinds of structures in which it may act."""
        return frozenset(family.kind for family in self.report.families if family.enabled)


def thresholds(structures: pl.Series, settings: ExpertSettings) -> Floats:
    """The Dice from which on each structure's mask is good."""
    own = structures.replace_strict(
        settings.good_dice_of, default=settings.good_dice, return_dtype=pl.Float64
    )
    return own.to_numpy()


def fit_expert(
    judgements: Iterable[pl.DataFrame],
    rehearsal: pl.DataFrame,
    settings: ExpertSettings,
    seed: int,
) -> Expert:
    """Learn from a rehearsal; what is usual is read from the population's judgements, which come
    some scans at a time.

    ``rehearsal`` has the columns of the judgements and ``role`` (fit, select or stand_in),
    ``patient``, ``look``, ``true_dice_current`` and ``true_dice_prediction``. Families are proven
    on patients of ``select``; stand-ins on themselves, held out by patient, with a stricter bound.
    """
    usual = usual_by_structure(judgements)
    if rehearsal.is_empty():
        return _abstaining(usual)
    gold = (rehearsal["role"] == GoldRole.FIT.value).any()
    learn = rehearsal.filter(pl.col("role") == (GoldRole.FIT.value if gold else STAND_IN))
    if learn["patient"].n_unique() < settings.min_patients:
        return _abstaining(usual)
    lesson = _lesson(learn, usual)
    score, held_out = Score.fit(lesson, seed)
    current, prediction = _sides(held_out)
    threshold = thresholds(pl.concat([learn["structure"]] * 2), settings)
    is_good = lesson.dice >= threshold
    known = np.concatenate([_known(learn), np.ones(learn.height, dtype=np.bool_)])
    telling = _telling(learn)
    draft = Expert(
        usual=usual,
        score=score,
        good=fit_curve(held_out.above(threshold)[known], is_good[known]),
        better=fit_curve(
            prediction[telling].beyond(current[telling]), _won(learn)[telling], symmetric=True
        ),
        practised=_practised(learn, is_good),
        report=ExpertReport(
            source="gold" if gold else "stand-in",
            patients=learn["patient"].n_unique(),
            masks=learn.height,
            calibration_error=None,
            families=(),
            features=score.names,
        ),
    )
    if not gold:
        return _proven(draft, learn, (current, prediction), settings, seed)
    select = rehearsal.filter(pl.col("role") == GoldRole.SELECT.value)
    estimates = (draft.estimate(select, side) for side in SIDES)
    return _proven(draft, select, (next(estimates), next(estimates)), settings, seed)


def _lesson(rows: pl.DataFrame, usual: pl.DataFrame) -> Lesson:
    """Both sides of every judgement, current masks first.

    An unknown annotation is no mask, and has no say; a prediction comes with every copy.
    """
    return Lesson(
        features=pl.concat([features(rows, usual, side) for side in SIDES]),
        dice=np.concatenate([rows[f"true_dice_{side.value}"].to_numpy() for side in SIDES]),
        weight=np.concatenate(
            [_known(rows).astype(np.float64), np.full(rows.height, PREDICTIONS_SAY)]
        ),
        patients=rows["patient"].to_list() * 2,
    )


def _sides(estimate: Estimate) -> tuple[Estimate, Estimate]:
    half = len(estimate.dice) // 2
    return estimate[np.arange(half)], estimate[np.arange(half, 2 * half)]


def _known(rows: pl.DataFrame) -> Bools:
    return (rows["state"] != State.UNKNOWN.value).to_numpy()


def _won(pairs: pl.DataFrame) -> Bools:
    """The prediction is the better mask."""
    return (pairs["true_dice_prediction"] > pairs["true_dice_current"]).to_numpy()


def _telling(pairs: pl.DataFrame) -> Bools:
    apart = (pairs["true_dice_prediction"] - pairs["true_dice_current"]).abs()
    return (apart >= TELLING_DICE).to_numpy() & _known(pairs)


def _practised(learn: pl.DataFrame, is_good: Bools) -> dict[Candidate, float]:
    current, prediction = np.split(is_good, 2)
    return {
        Candidate.CURRENT: float(current[_known(learn)].mean()),
        Candidate.PREDICTION: float(prediction.mean()),
    }


def _proven(
    draft: Expert,
    proof: pl.DataFrame,
    estimates: tuple[Estimate, Estimate],
    settings: ExpertSettings,
    seed: int,
) -> Expert:
    """The draft with what unseen patients say of it."""
    current, prediction = estimates
    telling, known = _telling(proof), _known(proof)
    stand_in = draft.report.source == "stand-in"
    better = draft.better(prediction[telling].beyond(current[telling]))
    families = prove_families(
        proof.filter(pl.Series(telling)).with_columns(better=pl.Series(better)),
        settings,
        required=settings.stand_in_accuracy if stand_in else settings.enable_accuracy,
        seed=seed,
    )
    threshold = thresholds(proof["structure"], settings)
    quality = draft.good(current.above(threshold)[known])
    is_good = (proof["true_dice_current"].to_numpy() >= threshold)[known]
    error = calibration_error(quality, is_good) if known.any() else None
    report = draft.report.model_copy(update={"families": families, "calibration_error": error})
    return replace(draft, report=report)


def _agreement(rows: pl.DataFrame, side: Candidate) -> Estimate:
    """Agreement stands in for a score; a mask that breaks a rule is worth nothing."""
    sound = (rows[f"faults_{side.value}"] == 0).to_numpy()
    dice = rows["dice"].fill_null(1.0).to_numpy() * sound
    return Estimate(dice, np.full(rows.height, UNTAUGHT_ERROR))


def _abstaining(usual: pl.DataFrame) -> Expert:
    """Too few patients to learn from: no family is enabled."""
    return Expert(
        usual=usual,
        score=None,
        good=Curve(slope=1.0, offset=0.0),
        better=Curve(slope=0.0, offset=0.0),
        practised=dict.fromkeys(SIDES, 0.5),
        report=ExpertReport(
            source="none", patients=0, masks=0, calibration_error=None, families=()
        ),
    )
