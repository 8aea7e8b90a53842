"""What is usual for each structure: robust numbers of the whole population, faults and all.

A mask is judged against its own kind (method reference, section 1.5 F); medians and median absolute
deviations stay true while less than half of the masks are faulty.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from scalemai_core.records.annotation import State
from scalemai_core.taxonomy.taxonomy import load_taxonomy

MAD_TO_SD = 1.4826
MIN_MASKS = 5
"""Masks a structure needs before anything is usual for it."""

SPREADS = {"dice": 0.02, "log_volume": 0.1, "mean_hu": 3.0, "sd_hu": 2.0, "height_mm": 5.0}
"""What is measured against the population, with the least spread that is believed."""

EVIDENCE = ("loglik_current", "loglik_prediction", "entropy", "boundary_confidence", "confidence")
"""Numbers of the predict pass; only their centre matters."""


_STRUCTURE = pl.Enum([structure.name for structure in load_taxonomy().structures])

COLUMNS = (
    *("state", "gold", "structure", "dice", "volume_ml_current", "at_border_current"),
    *("mean_hu_current", "sd_hu_current", "height_mm_current"),
    *EVIDENCE,
)
"""Columns that tell what is usual."""


def usual_by_structure(judgements: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """A row a structure: ``usual_*`` (median) and ``spread_*`` (robust deviation).

    ``judgements``, some scans at a time, have the columns of the judgement and evidence records and
    ``gold``. Structures with too few masks have no row. Volumes and heights are of masks the scan
    does not cut.
    """
    labelled = pl.concat([_labelled(block) for block in judgements], rechunk=False)
    centre = labelled.group_by("structure").agg(
        pl.len().alias("masks"),
        *(value.median().alias(f"usual_{name}") for name, value in _measured().items()),
        *(pl.col(name).median().alias(f"usual_{name}") for name in EVIDENCE),
    )
    deviations = {
        name: (value - pl.col(f"usual_{name}")).abs().median() * MAD_TO_SD
        for name, value in _measured().items()
    }
    spread = (
        labelled.join(centre, on="structure")
        .group_by("structure")
        .agg(value.alias(f"spread_{name}") for name, value in deviations.items())
        .with_columns(
            pl.col(f"spread_{name}").clip(lower_bound=least) for name, least in SPREADS.items()
        )
    )
    return (
        centre.join(spread, on="structure")
        .filter(pl.col("masks") >= MIN_MASKS)
        .drop("masks")
        .with_columns(pl.col("structure").cast(pl.String))
        .sort("structure")
    )


def _labelled(judgements: pl.DataFrame) -> pl.DataFrame:
    """Masks that tell what is usual, without what does not: there are millions of them."""
    return judgements.filter(
        (pl.col("state") == State.PRESENT.value) & pl.col("gold").is_null() & (pl.col("dice") > 0)
    ).select(pl.col("structure").cast(_STRUCTURE), *COLUMNS[3:])


def log_volume(side: str) -> pl.Expr:
    """Logarithm of a mask's volume in ml; an empty mask counts as a mm3."""
    return pl.col(f"volume_ml_{side}").clip(lower_bound=1e-3).log()


def _measured() -> dict[str, pl.Expr]:
    whole = ~pl.col("at_border_current")
    return {
        "dice": pl.col("dice"),
        "log_volume": pl.when(whole).then(log_volume("current")),
        "mean_hu": pl.col("mean_hu_current"),
        "sd_hu": pl.col("sd_hu_current"),
        "height_mm": pl.when(whole).then("height_mm_current"),
    }
