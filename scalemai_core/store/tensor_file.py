"""The table of contents of a safetensors file, read without its tensors."""

from __future__ import annotations

import json
from typing import Any

LENGTH_BYTES = 8
"""At the beginning: how long the table is."""
ABOUT = "__metadata__"
"""The entry that is no tensor."""


def contents_end(data: bytes) -> int:
    """Where the table ends and the tensors begin."""
    return LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "little")


def contents(data: bytes) -> dict[str, Any]:
    """Tensors by name, and under ABOUT what the file says of itself; raises ValueError."""
    return json.loads(data[LENGTH_BYTES : contents_end(data)])
