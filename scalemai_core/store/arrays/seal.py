"""JSON documents that carry their own checksum, so that an altered one is never believed."""

from __future__ import annotations

import json
import re
from typing import Any

import google_crc32c

from scalemai_core.errors import WorkspaceError

OWN = "scalemai"
"""Attributes of ours, which other readers of Zarr pass over."""
KEY = "crc32c"
BLANK = b"00000000"


def sealed(document: dict[str, Any]) -> bytes:
    """A Zarr document as it is stored, its CRC-32C among our own attributes.

    The checksum is that of the document with zeros in the checksum's place.
    """
    attributes = document["attributes"]
    own = {**attributes.get(OWN, {}), KEY: BLANK.decode()}
    data = json.dumps({**document, "attributes": {**attributes, OWN: own}}).encode()
    return _SEAL.sub(_seal_of(data), data, count=1)


def unsealed(data: bytes, path: str) -> dict[str, Any]:
    """The document at ``path``; raises WorkspaceError where it is not as it was written."""
    seal = _SEAL.search(data)
    if seal is None or seal[0] != _seal_of(_SEAL.sub(_seal(BLANK), data, count=1)):
        raise WorkspaceError(f"{path} is damaged: its checksum is wrong or missing")
    return json.loads(data)


def _seal_of(data: bytes) -> bytes:
    return _seal(f"{google_crc32c.value(data):08x}".encode())


def _seal(checksum: bytes) -> bytes:
    return b'"crc32c": "' + checksum + b'"'


# Begins with plain bytes: those are found ten times as fast as what only lies behind them.
_SEAL = re.compile(_seal(rb"[0-9a-f]{8}"))
