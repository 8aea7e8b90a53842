"""The name of one connected piece of a mask."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def piece_hash(mask_zyx: NDArray[np.bool_], first_zyx: tuple[int, int, int]) -> str:
    """Of the voxels' positions in the scan; ``first_zyx`` is where the mask's first voxel lies.

    The positions (z, y, x) as int32, little-endian, in C order.
    """
    places = np.argwhere(mask_zyx) + np.asarray(first_zyx)
    return hashlib.blake2b(places.astype("<i4").tobytes(), digest_size=8).hexdigest()
