"""How often each pair of ids meets in two label maps: the source of all overlap numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.volume.compiled import compiled

NUM_IDS = 256
"""Ids a uint8 voxel can hold."""

_BYTE = np.uint64(0xFF)
_EIGHT = np.uint64(8)
_EVERY_BYTE = np.uint64(0x0101010101010101)


def joint_histogram(a_zyx: LabelsZYX, b_zyx: LabelsZYX) -> NDArray[np.int64]:
    """Count voxels by their pair of ids: ``(256, 256)`` int64, rows ``a``, columns ``b``.

    One pass, nothing the size of a volume is allocated (an input that is not contiguous is copied).
    Raises ValueError where shapes differ or voxels are not uint8.
    """
    if a_zyx.shape != b_zyx.shape:
        raise ValueError(f"label maps of shapes {a_zyx.shape} and {b_zyx.shape} cannot be compared")
    if a_zyx.dtype != np.uint8 or b_zyx.dtype != np.uint8:
        raise ValueError(f"label maps are uint8, not {a_zyx.dtype} and {b_zyx.dtype}")
    a, b = np.ascontiguousarray(a_zyx).reshape(-1), np.ascontiguousarray(b_zyx).reshape(-1)
    counts = np.zeros(NUM_IDS * NUM_IDS, dtype=np.int64)
    whole = a.size - a.size % 8
    _count_words(a[:whole].view(np.uint64), b[:whole].view(np.uint64), counts)
    np.add.at(counts, a[whole:].astype(np.intp) * NUM_IDS + b[whole:], 1)
    return counts.reshape(NUM_IDS, NUM_IDS)


@compiled
def _count_words(
    a_words: NDArray[np.uint64], b_words: NDArray[np.uint64], counts: NDArray[np.int64]
) -> None:
    # Labels come in long runs: a word of eight equal pairs is told by two compares and counted at
    # once. Eight single counts for the others cost less than finding the runs inside a word.
    for i in range(a_words.size):
        a, b = a_words[i], b_words[i]
        first_a, first_b = a & _BYTE, b & _BYTE
        if a == first_a * _EVERY_BYTE and b == first_b * _EVERY_BYTE:
            counts[(first_a << _EIGHT) | first_b] += 8
        else:
            for _ in range(8):
                counts[((a & _BYTE) << _EIGHT) | (b & _BYTE)] += 1
                a >>= _EIGHT
                b >>= _EIGHT
