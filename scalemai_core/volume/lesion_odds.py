"""What a model gives lesions voxel by voxel: kept, so that thresholds can be moved afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage  # pyright: ignore[reportMissingTypeStubs] - scipy has none

from scalemai_core.records.grid import Grid
from scalemai_core.volume.log_odds import CodesZYX
from scalemai_core.volume.resample import resample_labels


@dataclass(frozen=True, slots=True, eq=False)
class LesionOdds:
    """Two small maps on the network's own grid, however many kinds of lesions there are."""

    codes_zyx: CodesZYX
    """Of any lesion against none, as ``volume/log_odds`` says."""
    types_zyx: NDArray[np.uint8]
    """Id of the most probable lesion structure; 0 where the code is 0."""
    grid: Grid

    def near(self, hosts_zyx: NDArray[np.bool_], reach_mm: float) -> LesionOdds:
        """What lies within ``reach_mm`` of ``hosts_zyx``, along the axes; the rest is cleared.

        The hosts lie on any grid over the same box. Whatever lies farther off belongs to no lesion
        of theirs, and all but a few percent of a scan is then cleared, which stores as nothing.
        """
        widen = cast("Callable[..., NDArray[np.uint8]]", ndimage.maximum_filter1d)  # pyright: ignore[reportUnknownMemberType]
        near_zyx = resample_labels(hosts_zyx, self.grid.shape_zyx).view(np.uint8)
        for axis, edge_mm in enumerate(self.grid.spacing_mm_zyx):
            size = 2 * math.ceil(reach_mm / edge_mm) + 1
            near_zyx = widen(near_zyx, size, axis=axis)
        keep = near_zyx.astype(np.bool_)
        zero = np.uint8(0)
        return LesionOdds(
            np.where(keep, self.codes_zyx, zero), np.where(keep, self.types_zyx, zero), self.grid
        )
