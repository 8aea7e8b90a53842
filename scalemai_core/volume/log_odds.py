"""Probabilities of lesions as one byte a voxel, fine enough where they are small.

Code 0 means below the floor, or not looked at. Codes 1 to 255 are log-odds (nats) from -16 to
+15.75 in steps of 1/8: a step changes a small probability by 13 %, from one in nine million on. A
probability in 255 linear steps would lose all below 0.004, where the rule for high sensitivity may
well put its threshold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CodesZYX = NDArray[np.uint8]
Floats = NDArray[np.float32]
Table = NDArray[np.float64]

NUM_CODES = 256
STEPS_A_NAT = 8.0
FIRST_LOG_ODDS = -16.0
"""Of code 1."""

_ZERO_CODE = 1.0 - FIRST_LOG_ODDS * STEPS_A_NAT
"""The code of log-odds 0."""


def _log_odds() -> Table:
    log_odds: Table = (np.arange(NUM_CODES, dtype=np.float64) - _ZERO_CODE) / STEPS_A_NAT
    log_odds[0] = -np.inf
    log_odds.setflags(write=False)
    return log_odds


def _probabilities() -> Table:
    odds = np.exp(_log_odds())
    probabilities: Table = odds / (1.0 + odds)
    probabilities.setflags(write=False)
    return probabilities


LOG_ODDS: Table = _log_odds()
"""``(256,)``: ``LOG_ODDS[codes_zyx]`` are log-odds, minus infinity for code 0."""

PROBABILITIES: Table = _probabilities()
"""``(256,)``: ``PROBABILITIES[codes_zyx]`` are probabilities, 0 for code 0."""


def encode(probabilities: Floats, *, floor: float, out: CodesZYX | None = None) -> CodesZYX:
    """The nearest codes of probabilities of any shape, 0 below ``floor``; NaN is not looked at.

    ``probabilities`` is float32 in [0, 1]; it is left as it is, one buffer of its size is needed.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        codes = np.subtract(1.0, probabilities, dtype=np.float32)
        np.divide(probabilities, codes, out=codes)
        np.log(codes, out=codes)
        codes *= np.float32(STEPS_A_NAT)
        codes += np.float32(_ZERO_CODE)
        np.rint(codes, out=codes)
        np.fmax(codes, np.float32(0), out=codes)
        np.fmin(codes, np.float32(NUM_CODES - 1), out=codes)
        codes *= np.greater_equal(probabilities, floor)
    if out is None:
        return codes.astype(np.uint8)
    np.copyto(out, codes, casting="unsafe")
    return out


def first_code(probability: float) -> int:
    """The lowest code of at least this probability; 256 where there is none."""
    return int(first_codes(np.float64(probability)))


def first_codes(probabilities: Table | np.float64) -> NDArray[np.int64]:
    """The same of many probabilities at once."""
    return np.maximum(1, np.searchsorted(PROBABILITIES, probabilities * (1.0 - 1e-9)))
