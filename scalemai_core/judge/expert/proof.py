"""Where the expert may act: families of structures in which unseen patients prove it right."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scalemai_core.measure.statistics import bootstrap_by_patient
from scalemai_core.records.expert import Family
from scalemai_core.settings.judgement import ExpertSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy

Floats = NDArray[np.float64]

ONE_SIDED = 0.90
"""Level of the two-sided interval whose lower end is the one-sided 95 % bound."""


def prove_families(
    pairs: pl.DataFrame, settings: ExpertSettings, *, required: float, seed: int
) -> tuple[Family, ...]:
    """A row a kind of structures (method reference, section 2.8), in the kinds' order.

    ``pairs`` has structure, patient, ``better`` (probability that the prediction is better) and
    both true Dice values; a family is enabled where the accuracy's lower bound reaches
    ``required`` on enough patients.
    """
    kinds = {s.name: s.kind.value for s in load_taxonomy().structures}
    said = pl.col("better") >= settings.decisive
    denied = pl.col("better") <= 1 - settings.decisive
    won = pl.col("true_dice_prediction") > pl.col("true_dice_current")
    table = pairs.with_columns(
        kind=pl.col("structure").replace_strict(kinds, return_dtype=pl.String),
        decided=(said | denied),
        right=(said & won) | (denied & ~won),
    )
    return tuple(
        _family(str(kind), rows, settings, required, seed)
        for (kind,), rows in sorted(table.partition_by("kind", as_dict=True).items())
    )


def _family(
    kind: str, rows: pl.DataFrame, settings: ExpertSettings, required: float, seed: int
) -> Family:
    decided = rows.filter("decided")
    patients = decided["patient"].n_unique()
    low = _lower_bound(decided, settings, seed) if patients else 0.0
    right = decided["right"].mean()
    return Family(
        kind=kind,
        pairs=rows.height,
        patients=patients,
        coverage=decided.height / rows.height,
        accuracy=float(right) if isinstance(right, float) else 0.0,
        low=low,
        enabled=patients >= settings.min_patients and low >= required,
    )


def _lower_bound(decided: pl.DataFrame, settings: ExpertSettings, seed: int) -> float:
    """Bootstrap by patient; one error more than was seen, so that few pairs prove little."""
    by_patient = decided.group_by("patient", maintain_order=True).agg(
        right=pl.col("right").sum(), pairs=pl.len()
    )
    values = by_patient.select("right", "pairs").cast(pl.Float64).to_numpy()

    def accuracy(rows: Floats) -> float:
        return float(rows[:, 0].sum() / (rows[:, 1].sum() + 1.0))

    interval = bootstrap_by_patient(
        values,
        by_patient["patient"].to_list(),
        accuracy,
        np.random.default_rng(seed),
        num=settings.bootstraps,
        level=ONE_SIDED,
    )
    return float(interval.low)
