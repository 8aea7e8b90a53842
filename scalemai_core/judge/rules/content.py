"""Rules on what a mask holds: whether there is anything, how much, and of what density."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import numpy as np

from scalemai_core.judge.rules.masks import Floats, Masks
from scalemai_core.judge.rules.rule import Hit, fault_if, spoken
from scalemai_core.records.finding import Severity
from scalemai_core.records.scan import Sex
from scalemai_core.settings.judgement import JudgeSettings
from scalemai_core.taxonomy.structure import Kind, Structure
from scalemai_core.taxonomy.taxonomy import Taxonomy

MIXED_HU = {Kind.ORGAN: 85.0, Kind.MUSCLE: 75.0, Kind.NERVE: 65.0, Kind.VESSEL: 130.0}
"""Standard deviation of HU that one tissue stays below in any phase, noise included."""

ALL_EDGE_ML = 2.0
"""Organs that can be this small are thin glands: half of their voxels hold what surrounds them."""

SEXED = (Kind.ORGAN, Kind.BONE, Kind.MUSCLE)
WOMAN_TO_MAN = 0.85
"""A woman's organ over a man's: 0.78 to 0.92 in the reference adults of ICRP publication 89."""

MICRO_MM = 5.0
"""Diameter of a sphere of its volume: the lowest stratum in which lesions are counted."""

MIXED_LUNG_HU = 180.0
"""Of lungs, whose vessels belong to them."""


def empty_but_present(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """A structure that is stated present must have voxels."""
    for row in np.flatnonzero(masks.present & (masks.volume_ml == 0)):
        name = masks.taxonomy.by_id(int(row)).name
        message = f"{spoken(name)} is stated to be present but its mask is empty"
        yield Hit(name, Severity.FAULT, 0.0, 0.0, message)


def sex(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """No prostate in a woman, no uterus in a man."""
    if masks.sex is None:
        return
    patient = "female" if masks.sex is Sex.FEMALE else "male"
    for structure in masks.shown():
        if structure.sex not in (None, masks.sex):
            volume_ml = float(masks.volume_ml[structure.id])
            message = f"{spoken(structure.name)} of {volume_ml:.1f} ml in a {patient} patient"
            yield Hit(structure.name, Severity.FAULT, volume_ml, 0.0, message)


def volume(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """Within the range plausible for the patient's sex; what the field of view cuts may be smaller.

    Without a sex on record the whole range of adults holds.
    """
    low, high = _plausible_ml(masks.taxonomy, masks.sex)
    small = (masks.volume_ml > 0) & (masks.volume_ml < low) & ~masks.at_border
    for row in np.flatnonzero(small | (masks.volume_ml > high)):
        structure, ml = masks.taxonomy.by_id(int(row)), float(masks.volume_ml[row])
        limit = float(low[row] if small[row] else high[row])
        word, times = ("less", limit / ml) if small[row] else ("more", ml / limit)
        message = (
            f"{spoken(structure.name)} has {ml:.3g} ml, {word} than the plausible {limit:.4g} ml"
        )
        yield Hit(structure.name, fault_if(times > settings.volume_factor), ml, limit, message)


@cache
def _plausible_ml(taxonomy: Taxonomy, of: Sex | None) -> tuple[Floats, Floats]:
    """(89,) lowest and highest volumes: a range's low end is a woman's, its high end a man's."""
    structures = taxonomy.structures
    low = np.array([0.0, *(s.volume_ml[0] for s in structures)])
    high = np.array([np.inf, *(s.volume_ml[1] for s in structures)])
    differs = np.array([False, *(s.kind in SEXED and s.sex is None for s in structures)])
    if of is Sex.MALE:
        low[differs] /= WOMAN_TO_MAN
    if of is Sex.FEMALE:
        high[differs] *= WOMAN_TO_MAN
    return low, high


def micro(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """A lesion of a few mm is too small to be told from noise and partial volume (section 11.5)."""
    for structure in _lesions(masks.taxonomy):
        row = structure.id
        if masks.volume_ml[row] > 0 and masks.pieces[row] == 0:
            across_mm = float(np.cbrt(6000.0 * masks.volume_ml[row] / math.pi))
            if across_mm < MICRO_MM:
                message = f"{spoken(structure.name)} is only {across_mm:.1f} mm across in all"
                yield Hit(structure.name, Severity.DOUBT, across_mm, MICRO_MM, message)


@cache
def _lesions(taxonomy: Taxonomy) -> tuple[Structure, ...]:
    """Lesions of every kind, by id."""
    return tuple(s for s in taxonomy.structures if s.kind is Kind.LESION)


def density(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """Mean HU within the range that all contrast phases span."""
    low, high = _plausible_hu(masks.taxonomy)
    with np.errstate(invalid="ignore"):
        odd = (masks.mean_hu < low) | (masks.mean_hu > high)
    for row in np.flatnonzero(odd):
        structure, hu = masks.taxonomy.by_id(int(row)), float(masks.mean_hu[row])
        dark = hu < structure.hu[0]
        limit, word = structure.hu[not dark], "below" if dark else "above"
        message = (
            f"{spoken(structure.name)} has a mean of {hu:.0f} HU, {word} the plausible {limit:g} HU"
        )
        severity = fault_if(abs(hu - limit) > settings.hu_margin)
        yield Hit(structure.name, severity, hu, limit, message)


@cache
def _plausible_hu(taxonomy: Taxonomy) -> tuple[Floats, Floats]:
    """(89,) lowest and highest means."""
    low, high = np.array([(-np.inf, np.inf), *(s.hu for s in taxonomy.structures)]).T
    return low, high


def mixed(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """One tissue has one density: a wide spread means that air, fat or bone is in the mask."""
    limits = _most_spread_hu(masks.taxonomy)
    for row in np.flatnonzero((masks.volume_ml > 0) & (masks.sd_hu > limits)):
        name = masks.taxonomy.by_id(int(row)).name
        spread, limit = float(masks.sd_hu[row]), float(limits[row])
        message = f"{spoken(name)} mixes tissues: its HU spread by {spread:.0f} around their mean"
        yield Hit(name, fault_if(spread > 2 * limit), spread, limit, message)


@cache
def _most_spread_hu(taxonomy: Taxonomy) -> Floats:
    """(89,) largest standard deviations of HU; infinite of what may mix tissues."""
    limits = np.full(len(taxonomy.structures) + 1, np.inf)
    for structure in taxonomy.structures:
        if structure.kind is Kind.ORGAN and structure.volume_ml[0] < ALL_EDGE_ML:
            continue
        lung = structure.hu[1] < 0
        limit = MIXED_LUNG_HU if lung else MIXED_HU.get(structure.kind, math.inf)
        limits[structure.id] = limit
    return limits
