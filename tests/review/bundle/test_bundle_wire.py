"""A bundle comes off the wire as it went on."""

from __future__ import annotations

import json

import numpy as np
import pytest

from scalemai_core.review.bundle.wire import decode, encode


@pytest.mark.parametrize("padding", range(9))
def test_arrays_begin_at_multiples_of_eight(padding: int) -> None:
    arrays = {
        "image": np.arange(-5, 25, dtype=np.int16).reshape(2, 3, 5),
        "options": np.arange(7, dtype=np.uint8).reshape(1, 7, 1),
        "locator": np.arange(12, dtype=np.uint8).reshape(3, 4).T,
    }
    data = encode({"reason": "\u00e4" + padding * "x"}, arrays)
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length].decode())
    assert (4 + length) % 8 == 0
    assert header["reason"] == "\u00e4" + padding * "x"
    assert [row["name"] for row in header["arrays"]] == list(arrays)
    for row in header["arrays"]:
        assert row["offset"] % 8 == 0
        begin, array = 4 + length + row["offset"], np.ascontiguousarray(arrays[row["name"]])
        assert data[begin : begin + array.nbytes] == array.tobytes()
    found = decode(data)
    assert found.header == header
    for name, array in arrays.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


def test_numbers_are_little_endian_whatever_they_were() -> None:
    data = encode({}, {"image": np.array([[[1, 258]]], dtype=">i2")})
    assert data.endswith(b"\x01\x00\x02\x01" + bytes(4))
    assert decode(data).arrays["image"].tolist() == [[[1, 258]]]
    assert decode(data).header["arrays"][0]["dtype"] == "int16"
