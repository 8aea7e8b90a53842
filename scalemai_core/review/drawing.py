"""A mask that a reader drew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.item_view import Box


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a reader says the structure is within a box of the scan."""

    mask_zyx: NDArray[np.bool_]
    box: Box
