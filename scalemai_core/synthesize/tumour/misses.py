"""What the last evaluation missed: the strata of lesions that are drawn more often."""

from __future__ import annotations

from collections.abc import Mapping

from scalemai_core.measure.detection.strata import size_ranges_mm
from scalemai_core.records.detection import DetectionReport, Rate, SiteReport
from scalemai_core.records.stratum import MOST, Stratum
from scalemai_core.synthesize.tumour.sites import SITE_NAMES

_WIDEST_MM = 1000.0
"""In place of infinity, which JSON lacks."""
_PRIOR = 5.0
"""Lesions that the mean of all sites counts for in every stratum."""


def missed_strata(report: DetectionReport) -> tuple[Stratum, ...]:
    """A stratum for every lesion structure of the report's sites and every size, from gold ``fit``.

    Gold ``test`` decides nothing, nor does gold ``select`` choose what it will be asked. The report
    has misses by size and by structure, not by both: a stratum has the mean of the two
    shares of missed lesions, each drawn towards that of all sites as if five lesions more had been
    looked at, so that a few lesions decide little.
    """
    kinds = [one.rate for site in report.sites for one in site.fit_strata if one.by == "kind"]
    overall = _missed(kinds, prior=0.5, strength=1.0)
    return tuple(stratum for site in report.sites for stratum in _of_site(site, overall))


def _of_site(site: SiteReport, overall: float) -> list[Stratum]:
    sizes = {one.name: one.rate for one in site.fit_strata if one.by == "size"}
    kinds = {one.name: one.rate for one in site.fit_strata if one.by == "kind"}
    structures = [name for name, place in SITE_NAMES.items() if place == site.point.site]
    return [
        Stratum(
            structure=structure,
            diameter_mm=(low_mm, min(high_mm, _WIDEST_MM)),
            weight=1.0
            + (MOST - 1.0)
            * 0.5
            * (_share(sizes, name, overall) + _share(kinds, structure, overall)),
        )
        for structure in structures
        for name, (low_mm, high_mm) in size_ranges_mm().items()
    ]


def _share(rates: Mapping[str, Rate], name: str, overall: float) -> float:
    return _missed([rates[name]] if name in rates else [], prior=overall, strength=_PRIOR)


def _missed(rates: list[Rate], *, prior: float, strength: float) -> float:
    """Share of lesions that were missed, drawn towards ``prior``."""
    total = sum(rate.total for rate in rates)
    missed = total - sum(rate.found for rate in rates)
    return (missed + strength * prior) / (total + strength)
