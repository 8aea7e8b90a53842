"""The part of an organ that words put a lesion in, as a structure of the taxonomy."""

from __future__ import annotations

import re

from scalemai_core.radiology.anatomy import PANCREAS_PARTS, ROMAN

_PARTS = re.compile(rf"(?<![a-z])({'|'.join(PANCREAS_PARTS)}|neck)(?![a-z])")
_SEGMENTS = re.compile(
    r"(?<![a-z])(?:segments?|segs?\.?)[ -]?((?:\d|[iv]{1,4})[ab]?"
    r"(?:(?:, ?|/|-| and | or |, and | & )(?:\d|[iv]{1,4})[ab]?)*)(?![\w])"
)
_NUMBER = re.compile(r"\d|[iv]+")
MAX_SEGMENT = 8


def place(organ: str, plain: str) -> str | None:
    """The one part that is named; None where there is none, or more than one."""
    if organ == "pancreas":
        return _one({PANCREAS_PARTS.get(part) for part in _PARTS.findall(plain)})
    if organ == "liver":
        return _one(_segments(plain))
    return None


def _segments(plain: str) -> set[str | None]:
    numbers: set[int] = {1} if re.search(r"(?<![a-z])caudate(?![a-z])", plain) else set()
    for match in _SEGMENTS.finditer(plain):
        for number in _NUMBER.findall(match[1]):
            numbers.add(int(number) if number.isdigit() else ROMAN.get(number, 0))
    return {f"liver_segment_{n}" if 1 <= n <= MAX_SEGMENT else None for n in numbers}


def _one(found: set[str | None]) -> str | None:
    return found.pop() if len(found) == 1 else None
