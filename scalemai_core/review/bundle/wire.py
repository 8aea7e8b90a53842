"""A bundle as bytes: a JSON header, then plain arrays that a page can use where they lie.

Four bytes say how long the header is, which is UTF-8 and padded with spaces so that the arrays
begin at a multiple of 8. Each array's ``offset`` counts from there and is a multiple of 8 too.
Numbers are little-endian, arrays in C order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_LENGTH_BYTES = 4
_ALIGNED = 8


class Bundle(NamedTuple):
    """What an item shows."""

    header: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def encode(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The wire format; ``arrays`` is added to the header."""
    offset, rows = 0, []
    parts: list[bytes | memoryview] = []
    for name, array in arrays.items():
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        rows.append(
            {"name": name, "dtype": plain.dtype.name, "shape": plain.shape, "offset": offset}
        )
        gap = -plain.nbytes % _ALIGNED
        parts += [plain.reshape(-1).view(np.uint8).data, bytes(gap)]
        offset += plain.nbytes + gap
    text = json.dumps({**header, "arrays": rows}, separators=(",", ":")).encode()
    text += b" " * (-(_LENGTH_BYTES + len(text)) % _ALIGNED)
    return b"".join([len(text).to_bytes(_LENGTH_BYTES, "little"), text, *parts])


def decode(data: bytes) -> Bundle:
    """Back from the wire; the arrays are read-only and share its memory."""
    body = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
    header = json.loads(data[_LENGTH_BYTES:body])
    arrays = {
        row["name"]: np.frombuffer(
            data,
            dtype=np.dtype(row["dtype"]).newbyteorder("<"),
            count=int(np.prod(row["shape"])),
            offset=body + row["offset"],
        ).reshape(row["shape"])
        for row in header["arrays"]
    }
    return Bundle(header, arrays)
