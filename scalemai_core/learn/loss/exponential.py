"""exp on float32, and rows of float32 or bfloat16: what a compiled loop turns into vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scalemai_core.volume.compiled import compiled_arithmetic

Row = NDArray[np.float32]
Bits = NDArray[np.float32] | NDArray[np.uint16]
"""float32, or bfloat16 as its bits, which NumPy and numba have no type for."""

_LOWEST, _HIGHEST = np.float32(-87.0), np.float32(88.0)
_HALF, _ONE = np.float32(0.5), np.float32(1.0)
_LOG2_E = np.float32(1.4426950408889634)
# ln 2 in two parts: the first has so few digits that its multiples are exact.
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
# 1/2!, 1/3!, ... : Taylor's, which on [-ln 2 / 2, ln 2 / 2] is as exact as float32 can tell.
_C2, _C3, _C4 = np.float32(1 / 2), np.float32(1 / 6), np.float32(1 / 24)
_C5, _C6, _C7 = np.float32(1 / 120), np.float32(1 / 720), np.float32(1 / 5040)
_BIAS, _MANTISSA_BITS = np.int32(127), np.int32(23)
_BFLOAT16_BITS = np.uint32(16)
_ROUND, _LAST = np.uint32(0x7FFF), np.uint32(1)


@compiled_arithmetic
def exponential(x: np.float32) -> np.float32:
    """exp to 3e-7 of it, where ``x`` is below -87 or above 88 of that; nan stays nan."""
    if x < _LOWEST:
        x = _LOWEST
    if x > _HIGHEST:
        x = _HIGHEST
    twos = np.float32(np.floor(x * _LOG2_E + _HALF))
    r = (x - twos * _LN2_HIGH) - twos * _LN2_LOW
    series = ((((_C7 * r + _C6) * r + _C5) * r + _C4) * r + _C3) * r + _C2
    series = (series * r + _ONE) * r + _ONE
    exponent = np.int32((np.int32(twos) + _BIAS) << _MANTISSA_BITS)
    return series * exponent.view(np.float32)


@compiled_arithmetic
def load(numbers: Bits, row: Row) -> None:
    """Read numbers into a row of their length."""
    if numbers.itemsize == 2:  # noqa: PLR2004 - known when compiled: bfloat16
        for i in range(row.size):
            row[i] = np.uint32(np.uint32(numbers[i]) << _BFLOAT16_BITS).view(np.float32)
    else:
        for i in range(row.size):
            row[i] = numbers[i]


@compiled_arithmetic
def store(row: Row, numbers: Bits) -> None:
    """Write a row; to bfloat16 it is rounded to the nearest, ties to even."""
    if numbers.itemsize == 2:  # noqa: PLR2004 - known when compiled: bfloat16
        for i in range(row.size):
            bits = np.float32(row[i]).view(np.uint32)
            even = np.uint32(np.uint32(bits >> _BFLOAT16_BITS) & _LAST)
            rounded = np.uint32(bits + np.uint32(_ROUND + even))
            numbers[i] = np.uint16(np.uint32(rounded >> _BFLOAT16_BITS))
    else:
        for i in range(row.size):
            numbers[i] = row[i]
