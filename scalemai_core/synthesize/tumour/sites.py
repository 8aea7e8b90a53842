"""Where lesions grow: the organ of every lesion structure, and how tumours lie in an organ."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from scalemai_core.measure.detection.strata import EARLY_MM
from scalemai_core.records.label_map import Layer
from scalemai_core.taxonomy.site import site_names
from scalemai_core.taxonomy.taxonomy import load_taxonomy

SITES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {structure.name: structure.inside for structure in load_taxonomy().in_layer(Layer.LESIONS)}
)
"""Every lesion structure's organs, any one of which it may grow in."""

SITE_NAMES: Mapping[str, str] = MappingProxyType(site_names(load_taxonomy()))
"""Every lesion structure's site: ``liver``, ``pancreas``, ``kidney``, ``colon``."""

SIZE_CLASSES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"tiny": (6.0, 10.0), "small": (12.0, 20.0), "medium": (24.0, 40.0), "large": (48.0, 80.0)}
)
"""Diameters in mm; method reference, section 3.2."""

PERCENTILES = (10.0, 97.0)
"""Of an organ's HU: its bounds where a scan is not portal venous; section 4.1."""


@dataclass(frozen=True, slots=True)
class Site:
    """How tumours lie in one organ, and what the automaton takes its tissue for."""

    z_beta: tuple[float, float]
    """Beta distribution of the height in the organ, 0 its lower and 1 its upper end."""
    levels_hu: tuple[float, float]
    """Portal venous bounds of its tissue: fat below, vessels above; section 4.1."""
    necrosis_mm: float
    """Diameter from which the automaton's tumours may die inside: sections 4.1 and 4.6."""
    greatest_mm: float
    """Larger tumours would hide the organ. Ours."""
    least_mm: float = 0.0
    """Smaller ones do not show. Ours."""
    in_wall: bool = False
    """Tumours begin at its surface: a hollow organ, whose mask holds the lumen too."""
    parts: tuple[tuple[str, float], ...] = ()
    """Share of the tumours in each of its parts."""


SITE: Mapping[str, Site] = MappingProxyType(
    {
        # Section 3.4: more than 60 % of liver tumours lie in the lowest third.
        "liver": Site(
            z_beta=(1.2, 2.8), levels_hu=(100.0, 160.0), necrosis_mm=20.0, greatest_mm=80.0
        ),
        "pancreas": Site(
            z_beta=(1.5, 1.5),
            levels_hu=(100.0, 160.0),
            necrosis_mm=11.0,
            greatest_mm=48.0,
            parts=(("pancreas_head", 0.65), ("pancreas_body", 0.175), ("pancreas_tail", 0.175)),
        ),
        "kidney": Site(
            z_beta=(1.5, 1.5), levels_hu=(140.0, 200.0), necrosis_mm=11.0, greatest_mm=64.0
        ),
        "colon": Site(
            z_beta=(1.0, 1.0),
            levels_hu=(40.0, 120.0),
            necrosis_mm=20.0,
            greatest_mm=56.0,
            least_mm=12.0,
            in_wall=True,
        ),
    }
)
"""Per site."""


def site_of(structure: str) -> Site:
    """The site of a lesion structure of ``SITES``."""
    return SITE[SITE_NAMES[structure]]


def draw_host(
    structure: str, diameter_mm: float, present: Collection[str], rng: np.random.Generator
) -> str | None:
    """The organ, or the part of one, that holds the tumour's centre; None if none is ``present``.

    Parts are taken where all of an organ's are present, by their share of real tumours. Early
    tumours lie in every part equally often, since those of body and tail are the ones missed;
    sections 1.8 and 3.4.
    """
    organs = [organ for organ in SITES[structure] if organ in present]
    parts = dict(site_of(structure).parts)
    if parts and all(part in present for part in parts):
        early = diameter_mm <= EARLY_MM
        shares = np.ones(len(parts)) if early else np.array(list(parts.values()))
        return str(rng.choice(list(parts), p=shares / shares.sum()))
    return organs[int(rng.integers(len(organs)))] if organs else None


def level_bounds(structure: str, organ_hu: NDArray[np.float32]) -> tuple[float, float]:
    """Lower and upper HU of the organ's own tissue in this scan; section 4.1.

    The published bounds hold where the organ's median lies between them; else, in another
    contrast phase, percentiles of the organ's voxels (1-D, not empty).
    """
    low, high = site_of(structure).levels_hu
    if low <= float(np.median(organ_hu)) <= high:
        return low, high
    lower, upper = (float(bound) for bound in np.percentile(organ_hu, PERCENTILES))
    return lower, max(upper, lower + 3.0)
