"""Rules on masks that belong together or exclude one another: hosts, parts and overlaps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from statistics import median

import numpy as np

from scalemai_core.judge.rules.frame import spinal_rows
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
    for structure, rows in _wholes(masks.taxonomy):
        if masks.volume_ml[structure.id] == 0:
            continue
        share = float(masks.own_ml[structure.id] / masks.volume_ml[structure.id])
        lacks = settings.part_gap_share < share < 1.0
        if lacks and (masks.present[rows] | masks.absent[rows]).all():
            message = f"{share:.0%} of {spoken(structure.name)} belongs to none of its parts"
            severity = fault_if(share > 10 * settings.part_gap_share)
            yield Hit(structure.name, severity, share, settings.part_gap_share, message)


@cache
def _wholes(taxonomy: Taxonomy) -> list[tuple[Structure, list[int]]]:
    """Structures, by id, whose parts should fill them, and the ids of those parts.

    Lesions may stay unclassified, and one part alone does not claim to be the whole.
    """
    parted = [(s, [part.id for part in taxonomy.children(s.name)]) for s in taxonomy.structures]
    return [(s, rows) for s, rows in parted if s.kind is not Kind.LESION and len(rows) > 1]


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
    volume_ml, cut = masks.volume_ml.tolist(), masks.at_border.tolist()
    for structure, rows in _alike(masks.taxonomy):
        own_ml, own_cut = volume_ml[structure.id], cut[structure.id]
        # Axial slices cut both sides of the trunk alike; a vertebra that is cut resembles none.
        if own_ml == 0 or (own_cut and structure.pair is None):
            continue
        peers_ml = [volume_ml[row] for row in rows if volume_ml[row] > 0 and cut[row] == own_cut]
        if not peers_ml:
            continue
        peer_ml = median(peers_ml)
        ratio = max(own_ml / peer_ml, peer_ml / own_ml)
        limit = settings.pair_ratio ** (2 if structure.kind is Kind.ORGAN else 1)
        if ratio > limit and _doubted(masks, structure, own_ml, peer_ml):
            words = "its neighbours" if structure.pair is None else f"the {spoken(structure.pair)}"
            message = (
                f"{spoken(structure.name)} has {own_ml:.3g} ml, against {peer_ml:.3g} ml of {words}"
            )
            yield Hit(structure.name, Severity.DOUBT, ratio, limit, message)


def _doubted(masks: Masks, structure: Structure, own_ml: float, peer_ml: float) -> bool:
    """Whether its border is shown less than its partner's, or else it is the odder of the two."""
    blurred = 0.0 if structure.pair is None else blurrier(masks, structure.name, structure.pair)
    middle_ml = math.sqrt(math.prod(structure.volume_ml))
    own_odd, peer_odd = (abs(math.log(ml / middle_ml)) for ml in (own_ml, peer_ml))
    return (blurred or own_odd - peer_odd) >= 0


def blurrier(masks: Masks, name: str, other: str) -> float:
    """How much more of its border than the other's has no edge in the image, 0 if little."""
    own, others = (float(masks.open_share[masks.taxonomy[n].id]) for n in (name, other))
    return own - others if abs(own - others) > CLEARLY_BLURRIER else 0.0


@cache
def _alike(taxonomy: Taxonomy) -> list[tuple[Structure, list[int]]]:
    """Structures, by id, that resemble others, and the ids of those others.

    A bone, muscle or organ resembles its partner, unless it is a part or holds air; a vertebra the
    two above it and the two below.
    """
    alike = [(structure, _peers(taxonomy, structure)) for structure in taxonomy.structures]
    return [(structure, rows) for structure, rows in alike if rows]


def _peers(taxonomy: Taxonomy, structure: Structure) -> list[int]:
    if structure.superior_to is not None:
        chain = spinal_rows(taxonomy)[:-1].tolist()
        place = chain.index(structure.id)
        return chain[max(place - 2, 0) : place] + chain[place + 1 : place + 3]
    whole = structure.kind in (Kind.BONE, Kind.MUSCLE, Kind.ORGAN) and structure.parent is None
    if structure.pair is None or not whole or structure.hu[1] < 0:
        return []
    return [taxonomy[structure.pair].id]
