"""What two spellings of one label have in common."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[\s\-_]+")


def plain(label: str) -> str:
    """Lower case, with one underscore for every run of spaces, hyphens and underscores."""
    return _SEPARATORS.sub("_", label.strip()).lower()
