"""What the expert sees of a mask: numbers about itself, about the mask beside it, and their kin.

Every feature is free of the structure's own scale (ratios, shares, robust deviations from what is
usual), so that one model serves all structures and learns from all of them.
"""

from __future__ import annotations

import polars as pl

from scalemai_core.judge.expert.population import EVIDENCE, log_volume
from scalemai_core.records.annotation import Origin
from scalemai_core.records.decision import Candidate
from scalemai_core.taxonomy.structure import Kind
from scalemai_core.taxonomy.taxonomy import load_taxonomy

OWN = (
    *("pieces", "crumbs", "holes", "flat_end", "at_border"),
    *("open_border", "open_face", "faults", "doubts"),
)
"""Columns of one mask that are comparable between structures as they are."""

FALLING = frozenset({"faults_own", "doubts_own"})
"""Features of which more never speaks for a mask, whatever few lessons seem to say."""

GROUP = ("scan_id", "look")
"""What makes one look at a scan; a real round looks once."""


def features(rows: pl.DataFrame, usual: pl.DataFrame, side: Candidate) -> pl.DataFrame:
    """A float column a feature, a row a judgement, NaN where a number is missing.

    ``side`` says which mask of a judgement is meant: the current one or the prediction; ``usual``
    is the population's table.
    """
    other = Candidate.PREDICTION if side is Candidate.CURRENT else Candidate.CURRENT
    frame = rows.join(usual, on="structure", how="left", maintain_order="left")
    frame = frame.with_columns(unusual=unusual())
    group = [name for name in GROUP if name in rows.columns]
    columns = {
        **_agreement(group),
        **_numbers(side.value, "own"),
        **_numbers(other.value, "other"),
        **_size(side.value, other.value),
        **{name: pl.col(name) - pl.col(f"usual_{name}") for name in EVIDENCE},
        "is_prediction": pl.lit(side is Candidate.PREDICTION),
        "by_model": _by_model(),
        "kind": _kind(),
    }
    return frame.select(
        value.cast(pl.Float64).fill_null(float("nan")).alias(name)
        for name, value in columns.items()
    )


def unusual() -> pl.Expr:
    """Robust deviations by which annotation and prediction agree less than is usual."""
    return (pl.col("usual_dice") - pl.col("dice").fill_null(1.0)) / pl.col("spread_dice")


def _agreement(group: list[str]) -> dict[str, pl.Expr]:
    """How the two masks agree, and how the rest of the scan does."""
    size_mm = pl.col("usual_log_volume").exp().mul(1000.0).pow(1 / 3)
    return {
        "dice": pl.col("dice").fill_null(1.0),
        "unusual": pl.col("unusual"),
        "usual_dice": pl.col("usual_dice"),
        "spread_dice": pl.col("spread_dice"),
        "unusual_in_scan": pl.col("unusual").median().over(group),
        "surface_dice": pl.col("surface_dice"),
        "surface": pl.col("surface_mm") / size_mm,
        "hausdorff": pl.col("hd95_mm") / size_mm,
        "offset": pl.col("offset_mm") / size_mm,
        "usual_size": pl.col("usual_log_volume"),
    }


def _numbers(side: str, name: str) -> dict[str, pl.Expr]:
    """One mask by itself and against its population."""

    def deviation(value: pl.Expr, what: str) -> pl.Expr:
        return (value - pl.col(f"usual_{what}")) / pl.col(f"spread_{what}")

    return {
        f"volume_{name}": deviation(log_volume(side), "log_volume"),
        f"hu_{name}": deviation(pl.col(f"mean_hu_{side}"), "mean_hu"),
        f"sd_{name}": deviation(pl.col(f"sd_hu_{side}"), "sd_hu"),
        f"height_{name}": deviation(pl.col(f"height_mm_{side}"), "height_mm"),
        **{f"{column}_{name}": pl.col(f"{column}_{side}") for column in OWN},
    }


def _size(side: str, other: str) -> dict[str, pl.Expr]:
    shared_ml = pl.col("intersection_ml")
    return {
        "ratio": log_volume(side) - log_volume(other),
        "shared_of_own": shared_ml / pl.col(f"volume_ml_{side}").clip(lower_bound=1e-3),
        "shared_of_other": shared_ml / pl.col(f"volume_ml_{other}").clip(lower_bound=1e-3),
    }


def _by_model() -> pl.Expr:
    """The annotation is what an earlier model saw: it errs as predictions do, not as sources."""
    own = pl.col("candidate") != Candidate.ALTERNATIVE.value
    return own & (pl.col("origin") == Origin.MODEL.value)


def _kind() -> pl.Expr:
    kinds = list(Kind)
    number = {s.name: float(kinds.index(s.kind)) for s in load_taxonomy().structures}
    return pl.col("structure").replace_strict(number, return_dtype=pl.Float64)
