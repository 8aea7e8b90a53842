"""A layer with some structures' masks taken from another label map, to look at: not to store."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.label_map import LabelsZYX


def overlay(base_zyx: LabelsZYX, source_zyx: LabelsZYX, ids: Sequence[int]) -> LabelsZYX:
    """``base_zyx`` where the structures ``ids`` have left their voxels and taken the source's.

    The source's masks win every voxel, whoever holds it: this shows a candidate whole. Corrected
    layers are written by ``compose`` alone.
    """
    chosen: NDArray[np.bool_] = np.zeros(256, dtype=np.bool_)
    chosen[list(ids)] = True
    shown_zyx = np.where(chosen[base_zyx], np.uint8(0), base_zyx)
    return np.where(chosen[source_zyx], source_zyx, shown_zyx)
