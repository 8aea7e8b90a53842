"""The voxel of a mask with the most of the mask around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage  # pyright: ignore[reportMissingTypeStubs] - scipy has none

from scalemai_core.volume.components import MaskZYX

_AROUND_MM = 15.0
_STEP_MM = 3.0
_TIED = 1e-3


def densest(mask_zyx: MaskZYX, spacing_mm_zyx: tuple[float, float, float]) -> tuple[int, int, int]:
    """Index (z, y, x) of that voxel, found at a coarse step for speed; the mask is not empty."""
    steps = [max(1, round(_STEP_MM / spacing)) for spacing in spacing_mm_zyx]
    coarse = mask_zyx[:: steps[0], :: steps[1], :: steps[2]]
    if not coarse.any():  # thinner than the step
        steps, coarse = [1, 1, 1], mask_zyx
    size = tuple(
        max(1, round(_AROUND_MM / (spacing * step)))
        for spacing, step in zip(spacing_mm_zyx, steps, strict=True)
    )
    smooth = cast("Callable[..., NDArray[np.float32]]", ndimage.uniform_filter)  # pyright: ignore[reportUnknownMemberType]
    density = smooth(coarse.astype(np.float32), size, mode="constant")
    density = np.where(coarse, density, -1.0)
    best = np.argwhere(density >= density.max() - _TIED)
    # Inside of what is large all is equally dense: its middle shows most.
    away = ((best - best.mean(axis=0)) ** 2).sum(axis=1)
    chosen = best[np.argmin(away)]
    z, y, x = (int(index) * step for index, step in zip(chosen, steps, strict=True))
    return (z, y, x)
