"""Rules on masks that belong together or exclude one another: hosts, parts and overlaps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from statistics import median

import numpy as np

from scalemai_core.judge.rules.frame import spinal_chain
from scalemai_core.judge.rules.masks import Masks
from scalemai_core.judge.rules.rule import Hit, fault_if, spoken
from scalemai_core.records.finding import Severity
from scalemai_core.settings.judgement import JudgeSettings
from scalemai_core.taxonomy.structure import Kind, Structure
from scalemai_core.taxonomy.taxonomy import Taxonomy

TOUCH_SHARE = 0.02
"""A lesion with less than this within reach of its host does not touch it."""

CLEARLY_BLURRIER = 0.15
"""Difference of two open shares of borders that tells which of two masks is at fault. Ours."""

EXCLUSIVE = (
    *(("aorta", organ) for organ in ("liver", "stomach", "spleen", "kidney_left", "kidney_right")),
    *(("postcava", organ) for organ in ("stomach", "spleen", "kidney_left", "kidney_right")),
)
"""Pairs of different layers that never share tissue (section 1.5 A)."""


def containment(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """Ducts and vessels lie inside their host, lesions touch it, a few mm forgiven."""
    with np.errstate(invalid="ignore"):
        outside = masks.host_share < settings.host_share
    for row in np.flatnonzero(outside):
        structure, share = masks.taxonomy.by_id(int(row)), float(masks.host_share[row])
        lesion = structure.kind is Kind.LESION
        if lesion and share >= TOUCH_SHARE:
            continue
        limit = TOUCH_SHARE if lesion else settings.host_share
        host = " or ".join(spoken(name) for name in structure.inside)
        message = f"only {share:.0%} of {spoken(structure.name)} lies inside {host}"
        severity = fault_if(share < limit / 2)
        yield Hit(structure.name, severity, share, limit, message)


def part_whole(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """Where all parts of an organ are labelled they fill it."""
    for structure in masks.shown():
        share = float(masks.own_ml[structure.id] / masks.volume_ml[structure.id])
        # Lesions may stay unclassified.
        if structure.kind is Kind.LESION or not settings.part_gap_share < share < 1.0:
            continue
        rows = [part.id for part in masks.taxonomy.children(structure.name)]
        # One part alone does not claim to be the whole.
        if len(rows) > 1 and (masks.present[rows] | masks.absent[rows]).all():
            message = f"{share:.0%} of {spoken(structure.name)} belongs to none of its parts"
            severity = fault_if(share > 10 * settings.part_gap_share)
            yield Hit(structure.name, severity, share, settings.part_gap_share, message)


def overlap(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """Structures of different layers that exclude one another share no tissue.

    Both are doubted, unless the image shows the border of one much better.
    """
    for names in EXCLUSIVE:
        first, second = (masks.taxonomy[name].id for name in names)
        shared_mm3 = 1000 * float(masks.overlap_ml[first, second])
        smaller_mm3 = 1000 * float(min(masks.volume_ml[first], masks.volume_ml[second]))
        limit_mm3 = max(settings.overlap_mm3, settings.overlap_share * smaller_mm3)
        if shared_mm3 > limit_mm3:
            for name, other in (names, names[::-1]):
                if blurrier(masks, name, other) < 0:
                    continue
                message = f"{spoken(name)} overlaps {spoken(other)} by {shared_mm3:.0f} mm3"
                yield Hit(name, Severity.DOUBT, shared_mm3, limit_mm3, message)


def symmetry(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """Left and right are about as large, and so are vertebrae that follow one another.

    Doubted is the one whose border the image shows less, else the one further from the middle of
    its plausible range. Organs that shrink or grow alone have more room.
    """
    for structure in masks.shown():
        peer_ml = _peer_ml(masks, structure)
        if peer_ml is None:
            continue
        own_ml = float(masks.volume_ml[structure.id])
        ratio = max(own_ml / peer_ml, peer_ml / own_ml)
        limit = settings.pair_ratio ** (2 if structure.kind is Kind.ORGAN else 1)
        middle_ml = math.sqrt(math.prod(structure.volume_ml))
        own_odd, peer_odd = (abs(math.log(ml / middle_ml)) for ml in (own_ml, peer_ml))
        blurred = 0.0 if structure.pair is None else blurrier(masks, structure.name, structure.pair)
        if ratio > limit and (blurred or own_odd - peer_odd) >= 0:
            words = "its neighbours" if structure.pair is None else f"the {spoken(structure.pair)}"
            message = (
                f"{spoken(structure.name)} has {own_ml:.3g} ml, against {peer_ml:.3g} ml of {words}"
            )
            yield Hit(structure.name, Severity.DOUBT, ratio, limit, message)


def blurrier(masks: Masks, name: str, other: str) -> float:
    """How much more of its border than the other's has no edge in the image, 0 if little."""
    own, others = (float(masks.open_share[masks.taxonomy[n].id]) for n in (name, other))
    return own - others if abs(own - others) > CLEARLY_BLURRIER else 0.0


def _peer_ml(masks: Masks, structure: Structure) -> float | None:
    """Volume of what a structure resembles; None where there is nothing or the scan cuts either."""
    if structure.pair is not None and structure.kind in (Kind.BONE, Kind.MUSCLE, Kind.ORGAN):
        # Axial slices cut both sides of the trunk alike.
        if structure.parent is not None or structure.hu[1] < 0:
            return None
        peers = [masks.taxonomy[structure.pair].id]
        if masks.at_border[structure.id] != masks.at_border[peers[0]]:
            return None
    elif structure.superior_to is not None and not masks.at_border[structure.id]:
        peers = [
            row for row in _near_vertebrae(masks.taxonomy, structure.id) if not masks.at_border[row]
        ]
    else:
        return None
    volumes_ml = [ml for ml in masks.volume_ml[peers].tolist() if ml > 0]
    return median(volumes_ml) if volumes_ml else None


@cache
def _near_vertebrae(taxonomy: Taxonomy, vertebra: int) -> list[int]:
    """Ids of the two above one and of the two below."""
    chain = [s.id for s in spinal_chain(taxonomy)[:-1]]
    place = chain.index(vertebra)
    return chain[max(place - 2, 0) : place] + chain[place + 1 : place + 3]
