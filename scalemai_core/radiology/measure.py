"""Numbers beside a lesion: how many there are, and how large."""

from __future__ import annotations

import re
from types import MappingProxyType

MAX_COUNT = 50
MAX_MM = 400.0
"""Larger numbers are no diameters. Ours."""

_NUMBER = r"\d{1,3}(?:[.,]\d{1,2})?"
_SIZE = re.compile(
    rf"(?<![\d.,])({_NUMBER})\s?(cm|mm)?(?:\s?(?:x|by|\*)\s?({_NUMBER})\s?(cm|mm)?)?"
    rf"(?:\s?(?:x|by|\*)\s?({_NUMBER})\s?(cm|mm)?)?(?![\w\d])"
)
_EARLIER = re.compile(
    r"(?:previous(?:ly)?|prior|formerly|earlier|compared (?:to|with)|from|was|were|(?:<|>"
    r"|less than|greater than|smaller than|larger than|under|over|within|every|collimation"
    r"|slices?|thick)"
    r")[^a-z\d]{0,3}(?:measur(?:ed|ing)|at|to|size|about)?[^a-z\d]{0,3}$"
)
_OF_OTHERS = re.compile(
    r"^\s*(?:from|proximal|distal|above|below|slices?|collimation|thick|wall)\b"
)
_WORDS = MappingProxyType(
    {
        word: number
        for number, word in enumerate(
            ("one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve").split("|"), start=1
        )
    }
    | {"single": 1, "solitary": 1, "a": 1, "an": 1, "sole": 1, "both": 2, "pair": 2}
)
_ONLY = re.compile(
    r"(?<![a-z])(?:only|solitary|single|sole|exactly|lone|in total|a total of)(?![a-z])"
)
_MANY = re.compile(
    r"(?<![a-z])(?:multiple|several|numerous|many|few|innumerable|some|scattered|various|countless"
    r"|others|including|such as|for example|one of|couple|dominant|largest|index|representative)"
    r"(?![a-z])"
)
_OPEN = re.compile(
    r"(?<![a-z])(?:at least|other|another|additional|more than|up to|or more|approximately|about"
    r"|further|some|no fewer than)(?![a-z])"
)
_COUNT = re.compile(
    rf"(?<![\w.,/-])(\d{{1,2}}|{'|'.join(_WORDS)})[ \-](?!(?:mm|cm|x|by)(?![a-z])|of |and |or )"
)
_NUMBERED = re.compile(
    r"(?:segments?|seg|images?|series|level|bosniak|grade|type|phase|and|or|to|stage) $"
)


def sizes_mm(plain: str) -> tuple[tuple[float, ...], ...]:
    """Diameters in words such as ``1.2 x 0.8 cm``; those of earlier scans left out."""
    found: list[tuple[float, ...]] = []
    for match in _SIZE.finditer(plain):
        units = [unit for unit in (match[2], match[4], match[6]) if unit]
        before, after = plain[max(0, match.start() - 40) : match.start()], plain[match.end() :][:20]
        if not units or _EARLIER.search(before) or _OF_OTHERS.match(after):
            continue
        numbers = [(match[index], match[index + 1]) for index in (1, 3, 5) if match[index]]
        diameters = tuple(_mm(number, unit or units[-1]) for number, unit in numbers)
        if all(0 < diameter <= MAX_MM for diameter in diameters):
            found.append(diameters)
    return tuple(found)


def _mm(number: str, unit: str) -> float:
    value = float(number.replace(",", "."))
    return round(value * 10 if unit == "cm" else value, 3)


def count(before: str) -> tuple[int | None, bool]:
    """How many, by the words before a lesion's noun, and whether they say that there are no others.

    ``a lesion`` says that there is one, not that it is the only one.
    """
    if _MANY.search(before):
        return None, False
    padded = f"{before} "
    stated = [
        match[1]
        for match in _COUNT.finditer(padded)
        if not _NUMBERED.search(padded[max(0, match.start() - 12) : match.start()])
    ]
    number = max((_WORDS.get(word) or int(word) for word in stated), default=0)
    if not 0 < number <= MAX_COUNT:
        return None, False
    return number, bool(_ONLY.search(before)) and not _OPEN.search(before)
