"""Which tumour to draw next: its structure, kind and size, more of those that were missed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scalemai_core.errors import UsageError
from scalemai_core.records.stratum import MOST, Stratum
from scalemai_core.settings.tumours import TumourKind, TumourSettings
from scalemai_core.synthesize.tumour.looks import LOOKS
from scalemai_core.synthesize.tumour.order import TumourOrder
from scalemai_core.synthesize.tumour.sites import SITE_NAMES, SITES, SIZE_CLASSES, site_of
from scalemai_core.taxonomy.taxonomy import load_taxonomy

_NUM_SEEDS = 2**63 - 1


def drawable(settings: TumourSettings) -> tuple[str, ...]:
    """Lesion structures that the settings allow; raises UsageError for one that grows nowhere.

    Without a list: every structure without parts of its own for which there is a kind.
    """
    if unknown := [name for name in settings.structures if name not in SITES]:
        raise UsageError(f"no tumour grows as {unknown}: lesion structures are {sorted(SITES)}")
    leaves = {structure.name for structure in load_taxonomy().leaves}
    return tuple(
        name
        for name in settings.structures or [name for name in SITES if name in leaves]
        if _kinds(name, settings)
    )


def draw_structure(
    allowed: Sequence[str],
    rng: np.random.Generator,
    settings: TumourSettings,
    strata: Sequence[Stratum] = (),
) -> str | None:
    """A lesion structure among the ``allowed`` ones that are drawable; None if there is none.

    Sites are equally likely, and so are the structures of a site, but for what was missed.
    """
    names = [name for name in drawable(settings) if name in allowed]
    if not names:
        return None
    sites = [SITE_NAMES[name] for name in names]
    weights = np.array(
        [
            _mean_weight(name, settings, strata) / sites.count(site)
            for name, site in zip(names, sites, strict=True)
        ]
    )
    return str(rng.choice(names, p=weights / weights.sum()))


def draw_order(
    structure: str,
    rng: np.random.Generator,
    settings: TumourSettings,
    strata: Sequence[Stratum] = (),
) -> TumourOrder:
    """A tumour of this structure: kind evenly, size by ``size_mix`` and by what was missed.

    Diameters are log-uniform in their class; the share of classes that do not fit the organ goes to
    those that do. Raises UsageError where the settings leave no kind for the structure.
    """
    kinds = _kinds(structure, settings)
    if not kinds:
        raise UsageError(f"'{structure}' is drawn as {LOOKS[structure].kinds}: add one to 'kinds'")
    kind = kinds[int(rng.integers(len(kinds)))]
    diameter_mm = _draw_diameter(structure, rng, settings)
    # What was missed is accepted more often than the rest, at most MOST times as often.
    while rng.random() * MOST > _weight(structure, diameter_mm, settings, strata):
        diameter_mm = _draw_diameter(structure, rng, settings)
    return TumourOrder(structure, kind, diameter_mm, int(rng.integers(_NUM_SEEDS)))


def _kinds(structure: str, settings: TumourSettings) -> tuple[TumourKind, ...]:
    return tuple(kind for kind in settings.kinds if kind in LOOKS[structure].kinds)


def _draw_diameter(structure: str, rng: np.random.Generator, settings: TumourSettings) -> float:
    ranges, shares = _sizes(structure, settings)
    low, high = ranges[int(rng.choice(len(ranges), p=shares))]
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _sizes(
    structure: str, settings: TumourSettings
) -> tuple[list[tuple[float, float]], list[float]]:
    """Ranges of diameters that fit the organ, and their shares."""
    site = site_of(structure)
    fitting = [
        (low, min(high, site.greatest_mm), share)
        for (low, high), share in zip(SIZE_CLASSES.values(), settings.size_mix, strict=True)
        if site.least_mm <= low < site.greatest_mm
    ]
    total = sum(share for _, _, share in fitting)
    even = 1.0 / len(fitting)
    return (
        [(low, high) for low, high, _ in fitting],
        [share / total if total else even for _, _, share in fitting],
    )


def _mean_weight(structure: str, settings: TumourSettings, strata: Sequence[Stratum]) -> float:
    """Mean weight of a structure's tumours, each class at its middle."""
    ranges, shares = _sizes(structure, settings)
    return sum(
        share * _weight(structure, float(np.sqrt(low * high)), settings, strata)
        for (low, high), share in zip(ranges, shares, strict=True)
    )


def _weight(
    structure: str, diameter_mm: float, settings: TumourSettings, strata: Sequence[Stratum]
) -> float:
    """1 where nothing is known."""
    if not settings.targeted:
        return 1.0
    found = [
        stratum.weight
        for stratum in strata
        if stratum.structure == structure
        and stratum.diameter_mm[0] < diameter_mm <= stratum.diameter_mm[1]
    ]
    return found[0] if found else 1.0
