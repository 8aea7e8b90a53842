"""Prior odds of a fault by source and structure, learned from answers and from the masks at hand.

A source that is often wrong on a structure needs less evidence against it. Shares of faulty masks
are Beta-binomial: a structure leans on its family of that source, the family on the source, the
source on all. A mask that a person has seen counts as what was found, every other one as its own
probability of being faulty, which makes the estimate the fixed point of an expectation-maximization
(the adjustment of a classifier's outputs to new priors); that people see suspicious masks first
does therefore not count against a source.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVELS = (("source",), ("source", "kind"), ("source", "structure"))
"""From the widest group that is estimated to the narrowest."""

ITERATIONS = 30
LEAST = 0.005
"""No group is believed to be all right or all wrong."""


def fault_priors(masks: pl.DataFrame, practised_good: float, strength: float) -> Floats:
    """Share of faulty masks in each mask's own group, one a row of ``masks``.

    Columns: source (null where it is not known), kind, structure, quality (P(good) at the share of
    good masks the expert practised on), faulty (what a person found; null where nobody looked).
    ``strength`` is the number of masks that the next wider group counts for.
    """
    if not masks.height:
        return np.zeros(0)
    quality = masks["quality"].to_numpy()
    seen = masks["faulty"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    codes = [_groups(masks, level) for level in LEVELS]
    prior = np.full(masks.height, 1.0 - practised_good)
    for _ in range(ITERATIONS):
        faulty = np.where(np.isnan(seen), 1.0 - shifted(quality, practised_good, prior), seen)
        prior = np.full(masks.height, faulty.mean())
        for code in codes:
            count = np.bincount(code)
            wider = np.bincount(code, weights=prior) / count
            share = (np.bincount(code, weights=faulty) + strength * wider) / (count + strength)
            prior = share[code]
        prior = np.clip(prior, LEAST, 1.0 - LEAST)
    return prior


def _groups(masks: pl.DataFrame, level: tuple[str, ...]) -> NDArray[np.intp]:
    """A row's group, counted from 0 without gaps."""
    code = np.zeros(masks.height, np.intp)
    for name in level:
        values = masks[name].fill_null("").cast(pl.Categorical).to_physical().to_numpy()
        code = code * (int(values.max()) + 1) + values
    return np.unique(code, return_inverse=True)[1]


def shifted(quality: Floats, practised_good: float, fault_prior: Floats) -> Floats:
    """P(good) for masks of which another share is faulty than among those practised on (Bayes)."""
    practised = min(max(practised_good, LEAST), 1.0 - LEAST)
    good = quality * (1.0 - fault_prior) / practised
    faulty = (1.0 - quality) * fault_prior / (1.0 - practised)
    return good / np.maximum(good + faulty, np.finfo(np.float64).tiny)
