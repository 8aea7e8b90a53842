"""A random look at what the engine did on its own, and the bound that it gives on its errors.

The sample is drawn from the masks as they will be stored, after composition, and read blinded. All
masks have the same chance of being drawn, strata their proportional share, which makes the pooled
bound conservative (method reference, section 11.4 on exact intervals).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import hypergeom  # pyright: ignore[reportMissingTypeStubs]

from scalemai_core.settings.judgement import DecideSettings

CONFIDENCE = 0.95
KEY = ["scan_id", "structure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What the random look at automatic decisions found."""

    population: int
    """Masks the engine changed on its own."""
    audited: int
    errors: int
    upper_bound: float | None
    """One-sided 95 % bound of the share of errors; None where nothing was audited."""

    @property
    def width(self) -> float | None:
        """Distance from the share that was found to its bound."""
        if self.upper_bound is None:
            return None
        return self.upper_bound - self.errors / self.audited


def upper_bound(errors: int, audited: int, population: int) -> float:
    """Exact one-sided 95 % bound of the share of errors in a finite population.

    The largest number of errors in ``population`` with which a sample of ``audited`` would still
    show ``errors`` or fewer in more than 5 % of draws (hypergeometric); for large populations this
    is Clopper and Pearson's bound. Raises ValueError unless errors <= audited <= population.
    """
    if not 0 <= errors <= audited <= population:
        raise ValueError("errors <= audited <= population must hold")
    if audited == 0:
        return 1.0
    low, high = errors, population - (audited - errors)
    while low < high:
        middle = (low + high + 1) // 2
        chance = float(hypergeom.cdf(errors, population, middle, audited))  # pyright: ignore[reportUnknownMemberType]
        if chance > 1.0 - CONFIDENCE:
            low = middle
        else:
            high = middle - 1
    return low / population


def audit_size(population: int, settings: DecideSettings) -> int:
    """Masks to look at, so that the bound lies at most ``audit_width`` above the share found.

    Sized for ``audit_error``, the share of errors that is expected.
    """
    low, high = 0, population
    while low < high:
        middle = (low + high) // 2
        errors = round(settings.audit_error * middle)
        found = errors / middle if middle else 0.0
        if upper_bound(errors, middle, population) - found <= settings.audit_width:
            high = middle
        else:
            low = middle + 1
    return low


def draw_audit(changes: pl.DataFrame, size: int, seed: int) -> pl.DataFrame:
    """A sample without replacement, each of ``changes`` with the same chance.

    ``changes`` has ``stratum``; a systematic draw through the shuffled strata gives each its
    proportional share to within one mask.
    """
    rng = np.random.default_rng(seed)
    ordered = (
        changes.sort(*KEY)
        .with_columns(shuffled=pl.Series(rng.random(changes.height)))
        .sort("stratum", "shuffled")
        .drop("shuffled")
    )
    size = min(size, ordered.height)
    if not size:
        return ordered.clear()
    places = (np.arange(size) + rng.random()) * ordered.height / size
    return ordered[np.minimum(places.astype(np.int64), ordered.height - 1)]


def audit(errors: int, audited: int, population: int) -> Audit:
    """The round's statement; nothing looked at proves nothing."""
    bound = upper_bound(errors, audited, population) if audited else None
    return Audit(population=population, audited=audited, errors=errors, upper_bound=bound)
