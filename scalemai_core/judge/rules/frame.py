"""The patient's own frame: where the middle is, where the spine runs, and which levels are seen."""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np

from scalemai_core.judge.rules.masks import Bools, Floats, Masks
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


@lru_cache(maxsize=LOOKED_AT)
def middle_mm(masks: Masks) -> float | None:
    """x of the patient's middle: the median over pairs and vertebrae; None where they are few.

    A pair says where the middle is even where left and right are exchanged.
    """
    places_mm = masks.centroid_mm[:, RIGHT]
    pairs = [[masks.taxonomy[f"{name}_{side}"].id for side in ("left", "right")] for name in PAIRED]
    witnesses = np.concatenate(
        (places_mm[pairs].mean(axis=1), places_mm[[s.id for s in spinal_chain(masks.taxonomy)]])
    )
    witnesses = witnesses[np.isfinite(witnesses)]
    return float(np.median(witnesses)) if len(witnesses) >= FEWEST_WITNESSES else None


@lru_cache(maxsize=LOOKED_AT)
def spine_mm(masks: Masks) -> Floats | None:
    """(89, 3) where the vertebrae nearest to each structure's height lie; None if nothing tells.

    What lies far from the middle is no part of the spine. Without any vertebra the middle stands in
    for its x, and the rest is NaN.
    """
    middle = middle_mm(masks)
    chain = masks.centroid_mm[[s.id for s in spinal_chain(masks.taxonomy)]]
    chain = chain[np.isfinite(chain[:, TOP])]
    if middle is not None:
        chain = chain[np.abs(chain[:, RIGHT] - middle) <= CURVE_MM]
    if len(chain):
        away_mm = np.abs(chain[None, :, TOP] - masks.centroid_mm[:, None, TOP])
        # The median forgives a vertebra that is itself out of place.
        nearest = np.argsort(away_mm, axis=1)[:, :NEAREST_LEVELS]
        return np.asarray(np.median(chain[nearest], axis=1), dtype=np.float64)
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


def ordered_levels(masks: Masks) -> dict[int, float]:
    """Height in mm of the vertebrae that keep their order, by level: T1 is 0, the sacrum 17."""
    rows = [s.id for s in spinal_chain(masks.taxonomy)]
    levels = np.flatnonzero(masks.volume_ml[rows] > 0)
    z_mm = masks.centroid_mm[rows, TOP][levels]
    kept = ~contradicted(z_mm).any(axis=1)
    return dict(zip(levels[kept].tolist(), z_mm[kept].tolist(), strict=True))
