"""Everything in a sentence that sounds like a lesion, and the organs that it may be in.

The opposite of an exclusion: words are believed with little, typos included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from scalemai_core.radiology.anatomy import ELSEWHERE, HINT_WORDS, ORGAN_WORDS, REGIONS
from scalemai_core.radiology.lexicon import HINT_KINDS, KIND_WORDS, Kind
from scalemai_core.radiology.vocabulary import tokens

_WEAK = frozenset(
    (
        "focal|indeterminate|enhancing|heterogeneous|net|nets|ca|met|solid|bulky|fullness"
        "|recurrence|nodular|nodularity|growth|oncology|oncologic|tnm|crc|sol|focus|foci"
        "|lucency|implants|seeding|obstruction|abscess|hematoma|ablation|ablated|embolization"
        "|phlegmon|deposit|deposits"
    ).split("|")
)
"""Alone, these are no reason for a statement, only for doubt."""
_ADJECTIVES = frozenset(
    (
        "hypodense|hypoattenuating|hypoenhancing|hyperenhancing|hyperdense|hyperattenuating"
        "|cystic|hypervascular|hypovascular|malignant|metastatic|neoplastic|washout"
    ).split("|")
)
_LINKS = frozenset((",|and|or|/|&|the|both|either|left|right|bilateral|as|well|nor").split("|"))
_NO_LESION = frozenset(["protocol", "protocols", "effect"])
"""A mass protocol, a mass effect."""
_MIN_TYPO = 5
_CUT = re.compile(
    r";|(?<![a-z])(?:but|however|although|though|while|whereas|except|apart from|other than"
    r"|aside from|besides|which)(?![a-z])|, (?=(?:an?|the|there|no|without|with|\d)(?![a-z]))"
    r"|(?<![a-z])and (?=(?:an?|there|no|without|\d)(?![a-z]))"
    r"|(?<![a-z])with (?=(?:an?|\d)(?![a-z]))"
)


@dataclass(frozen=True, slots=True)
class Mention:
    """One lesion's word, and the whole organs that its place suggests; none where that is open."""

    kind: Kind
    start: int
    end: int
    organs: tuple[str, ...]
    stretch: tuple[int, int]
    """Start and end of the words around it that belong together."""


@dataclass(frozen=True, slots=True)
class Marks:
    """All words of a sentence that mean something here, by where they start."""

    lesions: tuple[tuple[int, int, Kind, bool], ...]
    """Start, end, kind, whether it is weak."""
    places: tuple[tuple[int, int, tuple[str, ...]], ...]
    """Start, end, organs; none for anatomy elsewhere. Lists are one place."""
    organs: tuple[str, ...]
    elsewhere: bool


def marks(plain: str) -> Marks:
    """Look every word up, longest phrases first."""
    found = tokens(plain)
    lesions: list[tuple[int, int, Kind, bool]] = []
    places: list[tuple[int, int, tuple[str, ...]]] = []
    between: list[str] = ["."]
    at = 0
    while at < len(found):
        length, text = _longest([match[0] for match in found[at : at + _LONGEST]])
        start, end = found[at].start(), found[at + length - 1].end()
        kind = _KINDS.get(text) or (_typo(text) if length == 1 else None)
        following = found[at + length][0] if at + length < len(found) else ""
        if kind is not None and following not in _NO_LESION:
            lesions.append((start, end, kind, kind is Kind.VAGUE or text in _WEAK))
        if text in _PLACES:
            if places and set(between) <= _LINKS:
                first, _, named = places.pop()
                places.append((first, end, tuple(dict.fromkeys((*named, *_PLACES[text])))))
            else:
                places.append((start, end, _PLACES[text]))
            between = []
        else:
            between.append(text)
        at += length
    organs = tuple(dict.fromkeys(organ for _, _, named in places for organ in named))
    elsewhere = any(not named for _, _, named in places)
    return Marks(tuple(lesions), tuple(places), organs, elsewhere)


def mentions(plain: str, found: Marks) -> Iterator[Mention]:
    """The strong ones; an adjective counts where its stretch has no noun."""
    strong = [lesion for lesion in found.lesions if not lesion[3]]
    for stretch in _stretches(plain):
        inside = [lesion for lesion in strong if stretch[0] <= lesion[0] < stretch[1]]
        nouns = [lesion for lesion in inside if plain[lesion[0] : lesion[1]] not in _ADJECTIVES]
        for start, end, kind, _ in nouns or inside:
            organs = _organs(plain, (start, end), stretch, found)
            yield Mention(kind, start, end, organs, stretch)


def _stretches(plain: str) -> list[tuple[int, int]]:
    cuts = [0, *(match.end() for match in _CUT.finditer(plain)), len(plain)]
    return list(pairwise(cuts))


def _organs(
    plain: str, lesion: tuple[int, int], stretch: tuple[int, int], found: Marks
) -> tuple[str, ...]:
    """Right before it, else next after it, else before it; first in its stretch, then anywhere."""
    near = [place for place in found.places if stretch[0] <= place[0] < stretch[1]]
    for places in (near, found.places):
        before = [place for place in places if place[0] <= lesion[0]]
        after = [place for place in places if place[0] > lesion[0]]
        if (
            before
            and len(plain[before[-1][1] : lesion[0]].split()) <= _NEAR
            and (_APART.search(plain, before[-1][1], lesion[0]) is None)
        ):
            return before[-1][2]
        if after:
            return after[0][2]
        if before:
            return before[-1][2]
    return ()


_NEAR = 3
_APART = re.compile(r"[,;:.]|(?<![a-z])(?:is|are|with|and|shows?|has|have|contains?)(?![a-z])")
_KINDS = MappingProxyType({**HINT_KINDS, **KIND_WORDS})
_PLACES = MappingProxyType({**dict.fromkeys(ELSEWHERE - REGIONS, ()), **HINT_WORDS, **ORGAN_WORDS})
_LONGEST = max(len(words.split()) for words in (*_KINDS, *_PLACES))
_KNOWN = frozenset(_KINDS) | frozenset(_PLACES)


def _longest(found: list[str]) -> tuple[int, str]:
    for length in range(len(found), 1, -1):
        text = " ".join(found[:length])
        if text in _KNOWN or (text := text.replace(" - ", "-")) in _KNOWN:
            return length, text
    return 1, found[0]


_TYPED = MappingProxyType(
    {word: kind for word, kind in KIND_WORDS.items() if len(word) > _MIN_TYPO and word.isalpha()}
)


def _neighbours() -> Iterator[tuple[str, Kind]]:
    """Words with one letter missing, with ``*`` for any one letter, with two letters swapped."""
    for word, kind in _TYPED.items():
        for at in range(len(word)):
            before, letter, after = word[:at], word[at], word[at + 1 :]
            yield before + after, kind
            yield f"{before}*{after}", kind
            yield f"{before}{after[:1]}{letter}{after[1:]}", kind


_NEIGHBOURS = MappingProxyType(dict(_neighbours()))


def _typo(text: str) -> Kind | None:
    """A lesion's word with one letter missing, too many, wrong, or two swapped."""
    if not _MIN_TYPO <= len(text) <= _LONGEST_TYPO or text in _PLACES or text in _ORDINARY:
        return None
    if text in _NEIGHBOURS:
        return _NEIGHBOURS[text]
    for at in range(len(text)):
        kind = _NEIGHBOURS.get(text[:at] + "*" + text[at + 1 :])
        kind = kind or _TYPED.get(text[:at] + text[at + 1 :])
        if kind is not None:
            return kind
    return None


_LONGEST_TYPO = 20
_ORDINARY = frozenset(["lesson", "lessons", "module", "modules"])
