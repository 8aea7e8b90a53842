"""Label maps: the voxels of one layer of one scan."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

LabelsZYX = NDArray[np.uint8]
"""uint8 voxels, 0 is background, else the id of the most specific structure known."""

ImageZYX = NDArray[np.int16]
"""int16 Hounsfield units."""


class Layer(StrEnum):
    """A set of structures that exclude one another in space."""

    ANATOMY = "anatomy"
    VESSELS = "vessels"
    LESIONS = "lesions"
