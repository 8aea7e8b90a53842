"""What the population tells of one mask: usual agreement, reliability, and signs against it.

A mask is suspicious where annotation and prediction agree less than they usually do for that
structure. Which of the two is at fault is read from verifier findings and from a volume far from
the population's (method reference, sections 1.4 and 1.5 F).
"""

from __future__ import annotations

import polars as pl

from scalemai_core.records.annotation import State
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
    """Add what the population tells: usual agreement, reliability, signs against each mask."""
    frame = judgements.join(_usual(judgements), on="structure", how="left").join(
        _reliability(judgements), on="structure", how="left"
    )
    limit = pl.col("usual_dice") - settings.outlier_mads * pl.col("dice_sd")
    odd_current, odd_prediction = _odd_volume("current"), _odd_volume("prediction")
    lost = (pl.col("volume_ml_current") > 0) & ~pl.col("predicted")
    return frame.with_columns(
        predicted=pl.col("volume_ml_prediction") > 0,
    ).with_columns(
        reliability=pl.coalesce("gold_dice", "usual_dice").fill_null(0.0),
        suspicious=(pl.col("dice") < limit).fill_null(value=False),
        against_current=2 * pl.col("faults_current") + pl.col("doubts_current") + odd_current,
        against_prediction=2 * pl.col("faults_prediction")
        + pl.col("doubts_prediction")
        + odd_prediction
        + 2 * lost.cast(pl.Int32),
    )


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
        judgements.filter((pl.col("gold") == GoldRole.FIT.value) & pl.col("dice").is_not_null())
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
