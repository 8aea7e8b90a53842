"""Documents that carry their own checksum, so that an altered one is never believed.

It is the CRC-32C of the document with zeros in the checksum's place, the first of its kind in it.
"""

from __future__ import annotations

import re
from typing import Any

import google_crc32c
import orjson

from scalemai_core.errors import WorkspaceError

OWN = "scalemai"
"""Where a document keeps what is ours, which other readers of Zarr and safetensors pass over."""
BLANK = b"00000000"
UNSEALED = {"crc32c": BLANK.decode()}
"""A member of what is ours: the checksum's place."""


def sealed(document: dict[str, Any]) -> bytes:
    """A Zarr document as it is stored, its checksum among our own attributes."""
    attributes = document["attributes"]
    own = attributes.get(OWN, {}) | UNSEALED
    return seal(orjson.dumps({**document, "attributes": {**attributes, OWN: own}}))


def unsealed(data: bytes, path: str) -> dict[str, Any]:
    """The document at ``path``; raises WorkspaceError where it is not as it was written."""
    check_seal(data, path)
    return orjson.loads(data)


def seal(data: bytes) -> bytes:
    """Put the checksum into a document that holds UNSEALED."""
    place = _PLACE.search(data)
    if place is None:
        raise ValueError("the document has no place for a checksum")
    return data[: place.start(1)] + _checksum(data, place) + data[place.end(1) :]


def check_seal(data: bytes, path: str) -> None:
    """Raise WorkspaceError where the document at ``path`` is not as it was written."""
    place = _PLACE.search(data)
    if place is None or place[1] != _checksum(data, place):
        raise WorkspaceError(f"{path} is damaged: its checksum is wrong or missing")


def _checksum(data: bytes, place: re.Match[bytes]) -> bytes:
    before = google_crc32c.value(data[: place.start(1)] + BLANK)
    return b"%08x" % google_crc32c.extend(before, data[place.end(1) :])


# In a string within a string, quotes lie behind backslashes. The expression begins with plain
# bytes: those are found ten times as fast as what only lies behind them.
_PLACE = re.compile(rb'crc32c\\?": ?\\?"([0-9a-f]{8})')
