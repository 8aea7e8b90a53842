"""The decisions on one scan as a table, what is most doubtful first."""

from __future__ import annotations

import polars as pl

from scalemai_core.records.annotation import State

COLUMNS = (
    "structure", "state", "dice", "quality", "better", "findings", "decision", "reason",
)  # fmt: skip


def doubtful_first(rows: pl.DataFrame) -> pl.DataFrame:
    """``COLUMNS`` of a scan's decisions: known masks by rising quality, then what is unknown.

    ``dice`` is that of annotation and prediction, ``quality`` the probability that the current mask
    is good (None where it is unknown), ``better`` that its rival is better. Of the unknown ones the
    likeliest to be there come first.
    """
    unknown = pl.col("state") == State.UNKNOWN.value
    quality = pl.when(~unknown).then("quality_current")
    return (
        rows.with_columns(quality=quality, likely=pl.when(unknown).then("quality_rival"))
        .sort(
            [unknown, "quality", "likely", "structure"],
            descending=[False, False, True, False],
            nulls_last=True,
        )
        .select(
            "structure",
            "state",
            "dice",
            "quality",
            pl.when(~unknown).then("better").alias("better"),
            pl.col("findings_current").str.replace_all(",", ", ").alias("findings"),
            pl.col("action").alias("decision"),
            "reason",
        )
    )
