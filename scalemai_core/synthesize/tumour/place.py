"""Where in an organ a tumour begins."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.synthesize.tumour.sites import Site

Index = tuple[int, int, int]

MAX_TRIES = 50
"""Centres tried before a tumour is given up, or made smaller; method reference, section 3.4."""
_BY_PRIOR = 20
"""Tries that follow the site's prior; after them any slice will do, as section 3.3 widens."""
_INSIDE = 40
"""Tries that keep away from the surface; after them any voxel will do."""
_AWAY_MM = 2.0
"""From the organ's edge in the slice: one erosion by 5 x 5 pixels of 1 mm."""


def centres(
    organ_zyx: NDArray[np.bool_], spacing_mm: float, site: Site, rng: np.random.Generator
) -> Iterator[Index]:
    """Up to ``MAX_TRIES`` random voxels of an organ; none where it has no voxel.

    The height follows the site's prior, unless the array's first or last slice cuts the organ and
    its ends are unknown; in the slice, voxels are equally likely.
    """
    slices = np.flatnonzero(organ_zyx.any(axis=(1, 2)))
    if not slices.size:
        return
    whole = slices[0] > 0 and slices[-1] < len(organ_zyx) - 1
    for attempt in range(MAX_TRIES):
        by_prior = whole and attempt < _BY_PRIOR
        height = rng.beta(*site.z_beta) if by_prior else rng.random()
        z = int(slices[min(int(height * slices.size), slices.size - 1)])
        choice = organ_zyx[z]
        if attempt < _INSIDE:
            inner = _eroded(choice, spacing_mm)
            choice = choice & ~inner if site.in_wall else inner
        found = np.flatnonzero(choice)
        if found.size:
            y, x = divmod(int(found[rng.integers(found.size)]), choice.shape[1])
            yield z, y, x


def _eroded(slice_yx: NDArray[np.bool_], spacing_mm: float) -> NDArray[np.bool_]:
    """What is at least ``_AWAY_MM`` from the edge; the array's own border is no edge."""
    size = 2 * round(_AWAY_MM / spacing_mm) + 1
    return np.asarray(ndimage.minimum_filter(slice_yx, size, mode="nearest"), np.bool_)
