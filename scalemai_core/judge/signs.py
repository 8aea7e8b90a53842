"""What the population tells of one mask: usual agreement, reliability, and signs against it.

A mask is suspicious where annotation and prediction agree less than they usually do for that
structure. Which of the two is at fault is read from verifier findings and from a volume far from
the population's (method reference, sections 1.4 and 1.5 F).
"""

from __future__ import annotations

import polars as pl

from scalemai_core.records.annotation import Origin, State
from scalemai_core.records.scan import GoldRole
from scalemai_core.settings import DecideSettings

MAD_TO_SD = 1.4826
MIN_DICE_SD = 0.03
"""Structures never agree more regularly than this; keeps the outlier rule from biting at noise."""
MIN_LOG_VOLUME_SD = 0.15
"""Healthy volumes vary by at least 15 %."""
MAX_VOLUME_Z = 3.5
MIN_FOR_USUAL = 5
"""Masks a structure needs before its usual agreement and volume mean anything."""
MIN_GOLD = 3


def signs(judgements: pl.DataFrame, settings: DecideSettings) -> pl.DataFrame:
    """Add what the population tells of each row.

    Columns: usual_dice, dice_sd, reliability, unusual (robust deviations below usual agreement),
    against_current, against_prediction (signs, faults count twice), suspicious, gain, worth.
    """
    frame = judgements.join(_usual(judgements), on="structure", how="left").join(
        _reliability(judgements), on="structure", how="left"
    )
    lost = (pl.col("volume_ml_current") > 0) & (pl.col("volume_ml_prediction") == 0)
    return (
        frame.with_columns(
            predicted=pl.col("volume_ml_prediction") > 0,
            reliability=pl.coalesce("gold_dice", "usual_dice").fill_null(0.0),
            unusual=(pl.col("usual_dice") - pl.col("dice")) / pl.col("dice_sd"),
            against_current=2 * pl.col("faults_current")
            + pl.col("doubts_current")
            + _odd_volume("current"),
            against_prediction=2 * pl.col("faults_prediction")
            + pl.col("doubts_prediction")
            + _odd_volume("prediction")
            + 2 * lost.cast(pl.Int32),
        )
        .with_columns(suspicious=_suspicious(settings), gain=_gain())
        .with_columns(worth=_worth())
    )


def _suspicious(settings: DecideSettings) -> pl.Expr:
    """Far less agreement than usual, or less than usual with a sign against the annotation.

    A sign alone proves little: left and right, above and below are told by two structures, and the
    one that agrees with the prediction as usual is the innocent one.
    """
    far, some = settings.outlier_mads, settings.doubtful_mads
    unusual, against = pl.col("unusual"), pl.col("against_current") > 0
    judged = (unusual >= far) | ((unusual >= some) & against)
    return pl.when(unusual.is_null()).then(pl.col("faults_current") > 0).otherwise(judged)


def _gain() -> pl.Expr:
    """Dice that the prediction is expected to be better by, in [-1, 1].

    Agreement as a share of the usual one is what is left of a mask that was good.
    """
    left = (pl.col("dice").fill_null(0.0) / pl.col("usual_dice").fill_null(1.0)).clip(0.0, 1.0)
    return pl.col("reliability") - left


def _worth() -> pl.Expr:
    """What the annotation is worth against a neighbour that claims the same voxel, in [0, 1]."""
    usual = 0.9 - 0.1 * pl.col("unusual").fill_null(0.0)
    return pl.when("suspicious").then(0.2).otherwise(usual.clip(0.3, 1.0))


def _usual(judgements: pl.DataFrame) -> pl.DataFrame:
    """Robust centre and spread of agreement and log volume per structure, faults and all."""
    labelled = judgements.filter(
        (pl.col("state") == State.PRESENT.value) & pl.col("gold").is_null() & (pl.col("dice") > 0)
    )
    whole = ~(pl.col("at_border_current") | pl.col("at_border_prediction"))
    log_volume = pl.col("volume_ml_current").log()
    centre = labelled.group_by("structure").agg(
        usual_dice=pl.col("dice").median(),
        usual_log_volume=log_volume.filter(whole & (pl.col("volume_ml_current") > 0)).median(),
        masks=pl.len(),
    )
    spread = (
        labelled.join(centre, on="structure")
        .group_by("structure")
        .agg(
            dice_sd=(pl.col("dice") - pl.col("usual_dice")).abs().median() * MAD_TO_SD,
            volume_sd=(log_volume - pl.col("usual_log_volume")).filter(whole).abs().median()
            * MAD_TO_SD,
        )
    )
    return (
        centre.join(spread, on="structure")
        .filter(pl.col("masks") >= MIN_FOR_USUAL)
        .drop("masks")
        .with_columns(
            dice_sd=pl.col("dice_sd").clip(lower_bound=MIN_DICE_SD),
            volume_sd=pl.col("volume_sd").clip(lower_bound=MIN_LOG_VOLUME_SD),
        )
    )


def _reliability(judgements: pl.DataFrame) -> pl.DataFrame:
    """What the model reaches on gold ``fit``; the other roles are never looked at here."""
    return (
        judgements.filter(
            (pl.col("gold") == GoldRole.FIT.value)
            & (pl.col("origin") == Origin.GOLD.value)
            & pl.col("dice").is_not_null()
        )
        .group_by("structure")
        .agg(gold_dice=pl.col("dice").median(), gold_masks=pl.len())
        .filter(pl.col("gold_masks") >= MIN_GOLD)
        .drop("gold_masks")
    )


def _odd_volume(which: str) -> pl.Expr:
    """1 where a whole (not cut) structure's volume is far from the population's, else 0."""
    z = (pl.col(f"volume_ml_{which}").log() - pl.col("usual_log_volume")) / pl.col("volume_sd")
    odd = (z.abs() > MAX_VOLUME_Z) & (pl.col(f"volume_ml_{which}") > 0)
    small_only = pl.col(f"at_border_{which}") & (z < 0)
    return (odd & ~small_only).fill_null(value=False).cast(pl.Int32)
