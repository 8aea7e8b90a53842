"""The patient's own frame: where the middle is, where the spine runs, and which levels are seen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from statistics import median

import numpy as np

from scalemai_core.judge.rules.masks import Bools, Floats, Ints, Masks
from scalemai_core.taxonomy.structure import Structure
from scalemai_core.taxonomy.taxonomy import Taxonomy

RIGHT, FRONT, TOP = 0, 1, 2
NEAREST_LEVELS = 5
FEWEST_WITNESSES = 3
"""Pairs and vertebrae that must agree on where the middle is."""

PAIRED = ("hip", "femur", "kidney", "lung", "iliopsoas", "autochthon", "adrenal_gland")
"""Pairs that stand about evenly on either side, whichever of the two carries which name."""

LOOKED_AT = 2
"""Sets of masks whose frame is remembered while rule after rule asks for it."""

CURVE_MM = 40.0
"""How far a spine may stray from the middle: beyond it only a severe scoliosis leads."""


@cache
def spinal_chain(taxonomy: Taxonomy) -> tuple[Structure, ...]:
    """Vertebrae and sacrum from the top down."""
    below = {s.superior_to for s in taxonomy.structures}
    top = [s for s in taxonomy.structures if s.superior_to is not None and s.name not in below]
    chain = top[:1]
    while chain and chain[-1].superior_to is not None:
        chain.append(taxonomy[chain[-1].superior_to])
    return tuple(chain)


@cache
def spinal_rows(taxonomy: Taxonomy) -> Ints:
    """(18,) ids of the spinal chain."""
    return np.array([structure.id for structure in spinal_chain(taxonomy)], dtype=np.int64)


@cache
def _pairs(taxonomy: Taxonomy) -> Ints:
    """(n, 2) ids of the left and the right one of the pairs that tell the middle."""
    pairs = [[taxonomy[f"{name}_{side}"].id for side in ("left", "right")] for name in PAIRED]
    return np.array(pairs, dtype=np.int64)


@lru_cache(maxsize=LOOKED_AT)
def middle_mm(masks: Masks) -> float | None:
    """x of the patient's middle: the median over pairs and vertebrae; None where they are few.

    A pair says where the middle is even where left and right are exchanged.
    """
    places_mm = masks.centroid_mm[:, RIGHT]
    pairs_mm = places_mm[_pairs(masks.taxonomy)].mean(axis=1)
    witnesses = np.concatenate((pairs_mm, places_mm[spinal_rows(masks.taxonomy)]))
    there = witnesses[np.isfinite(witnesses)].tolist()
    return median(there) if len(there) >= FEWEST_WITNESSES else None


@lru_cache(maxsize=LOOKED_AT)
def spine_mm(masks: Masks) -> Floats | None:
    """(89, 3) where the vertebrae nearest to each structure's height lie; None if nothing tells.

    What lies far from the middle is no part of the spine. Without any vertebra the middle stands in
    for its x, and the rest is NaN.
    """
    middle = middle_mm(masks)
    chain = masks.centroid_mm[spinal_rows(masks.taxonomy)]
    chain = chain[np.isfinite(chain[:, TOP])]
    if middle is not None:
        chain = chain[np.abs(chain[:, RIGHT] - middle) <= CURVE_MM]
    if len(chain):
        away_mm = np.abs(chain[None, :, TOP] - masks.centroid_mm[:, None, TOP])
        # The median forgives a vertebra that is itself out of place.
        nearest = np.argsort(away_mm, axis=1)[:, :NEAREST_LEVELS]
        near = np.sort(chain[nearest], axis=1)
        count = near.shape[1]
        # As np.median, in a third of its time on so few numbers.
        return (near[:, (count - 1) // 2] + near[:, count // 2]) / 2
    if middle is None:
        return None
    place = np.full(masks.centroid_mm.shape, np.nan)
    place[:, RIGHT] = middle
    return place


def contradicted(z_mm: Floats) -> Bools:
    """(n, n) whom each of n vertebrae, from the top down, contradicts and has to yield to."""
    swapped = np.triu(z_mm[:, None] <= z_mm[None, :], 1)
    swapped |= swapped.T
    count = swapped.sum(axis=1)
    return swapped & (count[:, None] >= count[None, :])


@lru_cache(maxsize=LOOKED_AT)
def ordered_levels(masks: Masks) -> Mapping[int, float]:
    """Height in mm of the vertebrae that keep their order, by level: T1 is 0, the sacrum 17."""
    rows = spinal_rows(masks.taxonomy)
    levels = np.flatnonzero(masks.volume_ml[rows] > 0)
    z_mm = masks.centroid_mm[rows, TOP][levels]
    kept = ~contradicted(z_mm).any(axis=1)
    return dict(zip(levels[kept].tolist(), z_mm[kept].tolist(), strict=True))
