"""A piece's name is its voxels' positions in the scan, whatever box it is cut out of."""

from __future__ import annotations

import hashlib

import numpy as np

from scalemai_core.review.bundle.pieces import piece_hash


def test_the_hash_is_of_the_positions_in_the_scan() -> None:
    mask_zyx = np.zeros((4, 5, 6), dtype=np.bool_)
    mask_zyx[1, 2, 3] = mask_zyx[3, 0, 5] = True
    places = np.array([[1, 2, 3], [3, 0, 5]], dtype="<i4")
    expected = hashlib.blake2b(places.tobytes(), digest_size=8).hexdigest()
    assert piece_hash(mask_zyx, (0, 0, 0)) == expected
    assert piece_hash(mask_zyx[1:, :, 3:], (1, 0, 3)) == expected
    assert piece_hash(mask_zyx, (1, 0, 0)) != expected
