"""Rules on where masks lie: sides, neighbours, and the order of the spine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from scalemai_core.judge.rules.masks import Bools, Floats, Masks
from scalemai_core.judge.rules.rule import Hit, fault_if, spoken
from scalemai_core.records.finding import Severity
from scalemai_core.settings import JudgeSettings
from scalemai_core.taxonomy.structure import Kind, Side, Structure
from scalemai_core.taxonomy.taxonomy import Taxonomy

SPINE = "spine"
"""Stands for the vertebrae at a structure's own height."""

NEAREST_LEVELS = 5

RIGHT, FRONT, TOP = 0, 1, 2
DIRECTIONS = (("right", "left"), ("in front", "behind"), ("above", "below"))

RELATIONS: tuple[tuple[int, str, str], ...] = (
    *((RIGHT, name, SPINE) for name in ("liver", "gall_bladder")),
    *((RIGHT, SPINE, name) for name in ("spleen", "stomach")),
    *((RIGHT, "liver", name) for name in ("spleen", "stomach")),
    (RIGHT, "postcava", "aorta"),
    *((FRONT, name, SPINE) for name in ("aorta", "postcava", "liver", "heart", "pancreas")),
    *((FRONT, SPINE, name) for name in ("autochthon_left", "autochthon_right")),
    *((FRONT, name, "rectum") for name in ("bladder", "prostate")),
    *(
        (TOP, high, low)
        for high in ("liver", "spleen", "kidney_left", "kidney_right", "pancreas", "stomach")
        for low in (
            "bladder",
            "prostate",
            "uterus",
            "rectum",
            "femur_left",
            "femur_right",
            "sacrum",
        )
    ),
    *((TOP, "heart", name) for name in ("kidney_left", "kidney_right", "pancreas", "spleen")),
    *((TOP, "trachea", name) for name in ("liver", "spleen", "kidney_left", "kidney_right")),
    *((TOP, f"lung_{side}", f"kidney_{side}") for side in ("left", "right")),
    *((TOP, f"adrenal_gland_{side}", f"kidney_{side}") for side in ("left", "right")),
    *((TOP, "esophagus", name) for name in ("kidney_left", "kidney_right", "pancreas")),
    *((TOP, "sacrum", name) for name in ("prostate", "femur_left", "femur_right")),
)
"""The first lies further in the axis's direction than the second (section 1.5 A and F)."""


def side(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """A left structure lies left of the spine, and left of its partner."""
    spine_mm = _spine_mm(masks)
    for structure in masks.shown():
        if structure.side is None:
            continue
        sign = 1.0 if structure.side is Side.RIGHT else -1.0
        # Veins cross the middle on their way to the postcava.
        limit_mm = settings.side_mm * (2.0 if structure.kind is Kind.VESSEL else 1.0)
        wrong_mm = 0.0
        if spine_mm is not None:
            wrong_mm = _beyond(masks, structure, sign, float(spine_mm[structure.id, RIGHT]))
        swapped_mm = _swapped_mm(masks, structure, sign)
        if wrong_mm > limit_mm:
            yield _wrong_side(structure, wrong_mm, limit_mm, "the spine")
        elif swapped_mm > limit_mm and (spine_mm is None or wrong_mm > 0):
            yield _wrong_side(structure, swapped_mm, limit_mm, spoken(structure.pair or ""))


def position(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """Neighbours keep their places; who breaks most of its relations along an axis is at fault.

    Where two masks contradict one another and neither contradicts anything else, both are doubted.
    """
    broken: list[tuple[float, int, str, str]] = []
    held: dict[tuple[int, str], list[bool]] = {}
    spine_mm = _spine_mm(masks)
    for axis, more, less in RELATIONS:
        distance_mm = _distance_mm(masks, spine_mm, axis, (more, less))
        if distance_mm is None:
            continue
        breaks = distance_mm < -settings.side_mm
        for name in (more, less):
            held.setdefault((axis, name), []).append(not breaks)
        if breaks:
            broken.append((-distance_mm, axis, more, less))
    guilty = {key for key, kept in held.items() if len(kept) > 1 and sum(kept) * 2 < len(kept)}
    worst: dict[str, Hit] = {}
    for wrong_mm, axis, more, less in sorted(broken, reverse=True):
        along = {name for at, name in guilty if at == axis and name != SPINE}
        for hit in _blame(along, wrong_mm, axis, (more, less), settings.side_mm):
            worst.setdefault(hit.structure, hit)
    yield from worst.values()


def order(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """Each vertebra lies above the next; blamed is who contradicts as many as its opponent."""
    chain = [s for s in spinal_chain(masks.taxonomy) if masks.volume_ml[s.id] > 0]
    z_mm = masks.centroid_mm[[s.id for s in chain], TOP]
    blamed = _contradicted(z_mm)
    for row in np.flatnonzero(blamed.any(axis=1)):
        other = int(np.argmax(np.where(blamed[row], np.abs(z_mm - z_mm[row]), -1.0)))
        wrong_mm = float(abs(z_mm[other] - z_mm[row]))
        word = "below" if row < other else "above"
        name = spoken(chain[row].name)
        message = f"{name} lies {wrong_mm:.0f} mm {word} {spoken(chain[other].name)}"
        yield Hit(chain[row].name, Severity.FAULT, wrong_mm, 0.0, message)


def ordered_levels(masks: Masks) -> dict[int, float]:
    """Height in mm of the vertebrae that keep their order, by level: T1 is 0, the sacrum 17."""
    rows = [s.id for s in spinal_chain(masks.taxonomy)]
    levels = np.flatnonzero(masks.volume_ml[rows] > 0)
    z_mm = masks.centroid_mm[rows, TOP][levels]
    kept = ~_contradicted(z_mm).any(axis=1)
    return dict(zip(levels[kept].tolist(), z_mm[kept].tolist(), strict=True))


def _contradicted(z_mm: Floats) -> Bools:
    """(n, n) whom each of n vertebrae, from the top down, contradicts and has to yield to."""
    swapped = np.triu(z_mm[:, None] <= z_mm[None, :], 1)
    swapped |= swapped.T
    count = swapped.sum(axis=1)
    return swapped & (count[:, None] >= count[None, :])


@cache
def spinal_chain(taxonomy: Taxonomy) -> tuple[Structure, ...]:
    """Vertebrae and sacrum from the top down."""
    below = {s.superior_to for s in taxonomy.structures}
    top = [s for s in taxonomy.structures if s.superior_to is not None and s.name not in below]
    chain = top[:1]
    while chain and chain[-1].superior_to is not None:
        chain.append(taxonomy[chain[-1].superior_to])
    return tuple(chain)


def _spine_mm(masks: Masks) -> Floats | None:
    """(89, 3) where the vertebrae nearest to each structure's height lie; None without any."""
    chain = masks.centroid_mm[[s.id for s in spinal_chain(masks.taxonomy)]]
    chain = chain[np.isfinite(chain[:, TOP])]
    if not len(chain):
        return None
    away_mm = np.abs(chain[None, :, TOP] - masks.centroid_mm[:, None, TOP])
    # The median forgives a vertebra that is itself out of place.
    nearest: Floats = np.median(chain[np.argsort(away_mm, axis=1)[:, :NEAREST_LEVELS]], axis=1)
    return nearest


def _distance_mm(
    masks: Masks, spine_mm: Floats | None, axis: int, names: tuple[str, str]
) -> float | None:
    """How far the first lies beyond the second along an axis; None where one is not there."""
    levels = [masks.taxonomy[name].id for name in names if name != SPINE]
    if any(masks.volume_ml[row] == 0 for row in levels) or (SPINE in names and spine_mm is None):
        return None
    first, second = (
        float(masks.centroid_mm[masks.taxonomy[name].id, axis])
        if name != SPINE or spine_mm is None
        else float(spine_mm[levels[0], axis])
        for name in names
    )
    return first - second


def _beyond(masks: Masks, structure: Structure, sign: float, middle_mm: float) -> float:
    return -sign * (float(masks.centroid_mm[structure.id, RIGHT]) - middle_mm)


def _swapped_mm(masks: Masks, structure: Structure, sign: float) -> float:
    """How far a structure lies on the far side of its partner; 0 without one."""
    if structure.pair is None or masks.volume_ml[masks.taxonomy[structure.pair].id] == 0:
        return 0.0
    partner = masks.taxonomy[structure.pair].id
    return _beyond(masks, structure, sign, float(masks.centroid_mm[partner, RIGHT]))


def _wrong_side(structure: Structure, wrong_mm: float, limit_mm: float, of: str) -> Hit:
    word = "left" if structure.side is Side.RIGHT else "right"
    message = f"{spoken(structure.name)} lies {word} of {of} by {wrong_mm:.0f} mm"
    return Hit(structure.name, Severity.FAULT, wrong_mm, limit_mm, message)


def _blame(
    guilty: set[str], wrong_mm: float, axis: int, pair: tuple[str, str], limit_mm: float
) -> Iterator[Hit]:
    for name, other, word in zip(pair, pair[::-1], DIRECTIONS[axis][::-1], strict=True):
        if name == SPINE or (name not in guilty and other in guilty):
            continue
        of = "the spine" if other == SPINE else spoken(other)
        joined = f"{word} of" if word in ("right", "left", "in front") else word
        message = f"{spoken(name)} lies {joined} {of} by {wrong_mm:.0f} mm"
        severity = fault_if(name in guilty or other == SPINE)
        yield Hit(name, severity, wrong_mm, limit_mm, message)
