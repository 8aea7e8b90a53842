"""Rules on where masks lie: on their side, and among their neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np

from scalemai_core.judge.rules.frame import FRONT, RIGHT, TOP, spine_mm
from scalemai_core.judge.rules.masks import Floats, Ints, Masks
from scalemai_core.judge.rules.mirror import is_mirrored
from scalemai_core.judge.rules.rule import Hit, fault_if, spoken
from scalemai_core.records.finding import Severity
from scalemai_core.settings.judgement import JudgeSettings
from scalemai_core.taxonomy.structure import Kind, Side, Structure
from scalemai_core.taxonomy.taxonomy import Taxonomy

SPINE = "spine"
"""Stands for the vertebrae at a structure's own height."""

FAULT_SHARE = 0.5
"""Share of its relations that a mask must break before it is sure to be out of place."""

_Broken = tuple[float, str, str]
"""By how many mm, and which two."""

DIRECTIONS = (("right", "left"), ("in front", "behind"), ("above", "below"))

TRUNK = ("liver", "spleen", "stomach", "pancreas", "kidney_left", "kidney_right")
LIMBS = ("hip_left", "hip_right", "femur_left", "femur_right")
BACK = ("autochthon_left", "autochthon_right")

RELATIONS: tuple[tuple[int, str, str], ...] = (
    (RIGHT, "pancreas_head", "pancreas_body"),
    (RIGHT, "pancreas_head", "pancreas_tail"),
    (RIGHT, "pancreas_body", "pancreas_tail"),
    *((RIGHT, name, "pancreas_tail") for name in ("liver", "gall_bladder", "duodenum")),
    *((RIGHT, name, "spleen") for name in ("gall_bladder", "duodenum", "pancreas_head")),
    *((RIGHT, name, "kidney_left") for name in ("liver", "gall_bladder", "duodenum")),
    *((RIGHT, "kidney_right", name) for name in ("spleen", "stomach", "pancreas_tail")),
    *((RIGHT, name, SPINE) for name in ("liver", "gall_bladder")),
    *((RIGHT, SPINE, name) for name in ("spleen", "stomach")),
    *((RIGHT, "liver", name) for name in ("spleen", "stomach")),
    (RIGHT, "postcava", "aorta"),
    *((FRONT, name, SPINE) for name in ("aorta", "postcava", "liver", "heart", "pancreas")),
    *((FRONT, SPINE, name) for name in BACK),
    *((FRONT, name, back) for name in (*TRUNK, "aorta", "postcava", "heart") for back in BACK),
    *((FRONT, f"iliopsoas_{side}", f"autochthon_{side}") for side in ("left", "right")),
    (FRONT, "gall_bladder", "kidney_right"),
    (FRONT, "bladder", "sacrum"),
    *((FRONT, name, "rectum") for name in ("bladder", "prostate")),
    *(
        (TOP, high, low)
        for high in (*TRUNK, "gall_bladder", "duodenum")
        for low in ("bladder", "prostate", "uterus", "rectum", "sacrum", *LIMBS)
    ),
    *((TOP, "heart", name) for name in ("kidney_left", "kidney_right", "pancreas", "spleen")),
    *((TOP, "trachea", name) for name in ("liver", "spleen", "kidney_left", "kidney_right")),
    *(
        (TOP, f"lung_{side}", name)
        for side in ("left", "right")
        for name in (f"kidney_{side}", "pancreas", "sacrum", *LIMBS)
    ),
    *((TOP, f"adrenal_gland_{side}", f"kidney_{side}") for side in ("left", "right")),
    *((TOP, "esophagus", name) for name in ("kidney_left", "kidney_right", "pancreas")),
    *((TOP, "sacrum", name) for name in ("prostate", "femur_left", "femur_right")),
)
"""The first lies further in the axis's direction than the second (section 1.5 A and F)."""


def side(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """A left structure lies left of the spine, and left of its partner."""
    spine, mirrored = spine_mm(masks), is_mirrored(masks, settings.side_mm)
    structures, rows, partners, signs, times = _sided(masks.taxonomy)
    there, x_mm = masks.volume_ml > 0, masks.centroid_mm[:, RIGHT]
    limit_mm = settings.side_mm * times
    swapped_mm = -signs * (x_mm[rows] - x_mm[partners])
    swapped = there[partners] & (swapped_mm > limit_mm)
    wrong_mm = np.zeros(len(rows))
    if spine is not None:
        wrong_mm = -signs * (x_mm[rows] - spine[rows, RIGHT])
        swapped &= wrong_mm > 0
    wrong = wrong_mm > limit_mm
    for i in np.flatnonzero(there[rows] & (wrong | swapped)).tolist():
        structure = structures[i]
        by_mm = float(wrong_mm[i] if wrong[i] else swapped_mm[i])
        of = "the spine" if wrong[i] else spoken(structure.pair or "")
        word = "left" if structure.side is Side.RIGHT else "right"
        message = f"{spoken(structure.name)} lies {word} of {of} by {by_mm:.0f} mm"
        yield Hit(structure.name, fault_if(not mirrored), by_mm, float(limit_mm[i]), message)


@cache
def _sided(taxonomy: Taxonomy) -> tuple[tuple[Structure, ...], Ints, Ints, Floats, Floats]:
    """Structures that have a side; of each (n,) its id, its partner's id (its own without one),
    1 where its side is the right and -1 where it is the left, and the factor on its limit."""
    sided = tuple(s for s in taxonomy.structures if s.side is not None)
    rows = np.array([s.id for s in sided], dtype=np.int64)
    partners = np.array([taxonomy[s.pair or s.name].id for s in sided], dtype=np.int64)
    signs = np.array([1.0 if s.side is Side.RIGHT else -1.0 for s in sided])
    # Veins cross the middle on their way to the postcava.
    times = np.array([2.0 if s.kind is Kind.VESSEL else 1.0 for s in sided])
    return sided, rows, partners, signs, times


def position(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """Neighbours keep their places; blamed is who contradicts most of the others along an axis.

    Where two masks contradict one another and each contradicts as many as the other, both are
    doubted. A mirrored scan is said once, by its own rule.
    """
    spine, mirrored = spine_mm(masks), is_mirrored(masks, settings.side_mm)
    worst: dict[str, Hit] = {}
    for axis in (FRONT, TOP) if mirrored else (RIGHT, FRONT, TOP):
        pairs, rows = _relations(masks.taxonomy, axis)
        distances_mm = _distances_mm(masks, spine, rows, axis)
        # What is not there is nowhere.
        there = rows[~np.isnan(distances_mm)].ravel()
        times = np.bincount(there, minlength=len(masks.volume_ml)).tolist()
        held = dict(zip(masks.taxonomy.names, times[1:], strict=True))
        found = np.flatnonzero(distances_mm < -settings.side_mm).tolist()
        broken = [(-float(distances_mm[i]), *pairs[i]) for i in found]
        for hit in _blamed(sorted(broken, reverse=True), held, axis, settings.side_mm):
            worst.setdefault(hit.structure, hit)
    yield from worst.values()


def _distances_mm(masks: Masks, spine: Floats | None, rows: Ints, axis: int) -> Floats:
    """(n,) how far the first of a relation lies beyond the second; NaN unless both are there."""
    at_mm: Floats = masks.centroid_mm[rows, axis]
    if spine is not None:
        at_mm = np.where(rows == 0, spine[rows[:, ::-1], axis], at_mm)
    return at_mm[:, 0] - at_mm[:, 1]


@cache
def _relations(taxonomy: Taxonomy, axis: int) -> tuple[tuple[tuple[str, str], ...], Ints]:
    """The names of an axis's relations, and their ids (n, 2): 0 for the spine."""
    pairs = tuple((more, less) for along, more, less in RELATIONS if along == axis)
    rows = [[0 if name == SPINE else taxonomy[name].id for name in pair] for pair in pairs]
    return pairs, np.array(rows, dtype=np.int64)


def _blamed(
    broken: list[_Broken], held: Mapping[str, int], axis: int, limit_mm: float
) -> Iterator[Hit]:
    """The fewest masks that explain what is broken, whoever breaks most first."""
    at_first = _by_name(broken)
    while broken:
        left = _by_name(broken)
        most = max((len(own), len(at_first[name])) for name, own in left.items())
        guilty = [name for name, own in left.items() if (len(own), len(at_first[name])) == most]
        for name in guilty:
            own, number = left[name][0], len(at_first[name])
            sure = SPINE in own or (number > 1 and number > FAULT_SHARE * held[name])
            yield _out_of_place(name, own, axis, limit_mm, fault_if(sure))
        blamed = frozenset(guilty)
        broken = [entry for entry in broken if blamed.isdisjoint(entry[1:])]


def _by_name(broken: list[_Broken]) -> dict[str, list[_Broken]]:
    """What each mask breaks, in the same order."""
    entries: dict[str, list[_Broken]] = {}
    for entry in broken:
        for name in entry[1:]:
            if name != SPINE:
                entries.setdefault(name, []).append(entry)
    return entries


def _out_of_place(
    name: str, broken: _Broken, axis: int, limit_mm: float, severity: Severity
) -> Hit:
    wrong_mm, more, less = broken
    other, word = (less, DIRECTIONS[axis][1]) if name == more else (more, DIRECTIONS[axis][0])
    of = "the spine" if other == SPINE else spoken(other)
    joined = f"{word} of" if word in ("right", "left", "in front") else word
    message = f"{spoken(name)} lies {joined} {of} by {wrong_mm:.0f} mm"
    return Hit(name, severity, wrong_mm, limit_mm, message)
