from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalemai_core.volume.log_odds import LOG_ODDS, PROBABILITIES, encode, first_code


def test_codes_run_from_minus_16_in_eighths_and_0_means_not_looked_at() -> None:
    assert LOG_ODDS[0] == -np.inf
    assert PROBABILITIES[0] == 0.0
    assert LOG_ODDS[1] == -16.0
    assert LOG_ODDS[129] == 0.0
    assert LOG_ODDS[255] == 15.75
    assert np.all(np.diff(LOG_ODDS[1:]) == 0.125)
    assert np.all(np.diff(PROBABILITIES) > 0)


def test_what_was_decoded_is_encoded_to_itself() -> None:
    codes = np.arange(256, dtype=np.uint8)
    # Beyond, a float32 has no neighbours of 1 that are so close.
    certain = 230
    encoded = encode(PROBABILITIES.astype(np.float32), floor=0.0)
    assert np.array_equal(encoded[:certain], codes[:certain])
    assert np.all(np.diff(encoded.astype(int)) >= 0)


@given(st.lists(st.floats(2**-20, 1 - 2**-11, width=32), min_size=1, max_size=50))
def test_a_code_is_at_most_half_a_step_off(probabilities: list[float]) -> None:
    p = np.array(probabilities, dtype=np.float32)
    log_odds = np.log(p / (1.0 - p.astype(float)))
    assert np.abs(LOG_ODDS[encode(p, floor=0.0)] - log_odds).max() < 1 / 16 + 1e-3


def test_below_the_floor_certain_and_undefined_probabilities_have_codes_too() -> None:
    p = np.array([[0.0, 1e-9, 9e-5, 2e-4], [1.0, np.nan, 0.5, 0.9999999]], dtype=np.float32)
    out = np.full((2, 4), 7, dtype=np.uint8)
    codes = encode(p, floor=1e-4, out=out)
    assert codes is out
    assert codes[0].tolist() == [0, 0, 0, first_code(2e-4)]
    assert codes[1].tolist() == [255, 0, 129, 255]


@pytest.mark.parametrize("probability", [1e-4, 0.01, 0.5, float(PROBABILITIES[40])])
def test_the_first_code_is_the_lowest_that_is_high_enough(probability: float) -> None:
    code = first_code(probability)
    assert PROBABILITIES[code] >= probability * (1 - 1e-9)
    assert PROBABILITIES[code - 1] < probability


def test_no_code_is_higher_than_certain_nor_lower_than_the_first() -> None:
    assert first_code(0.0) == 1
    assert first_code(1.0) == 256
