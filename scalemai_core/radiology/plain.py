"""A report's text made plain, character by character, so that offsets stay what they are."""

from __future__ import annotations

import re
import unicodedata

from scalemai_core.radiology.vocabulary import LEXICON

MAX_CHARACTERS = 200_000
"""Longest text that is read; the longest reports hold some 20,000. Ours."""
MIN_WORDS = 8
"""Words from which on a text must look like English. Ours."""
ENGLISH_SHARE = 0.12
"""Share of the words below that English reports exceed by far. Ours."""
KNOWN_SHARE = 0.35
"""Share of words of the lexicon that terse reports exceed, which have few of those below. Ours."""

_ENGLISH = frozenset(
    (
        "the|of|is|are|and|or|with|without|there|this|for|to|normal|seen|from|was|were|has"
        "|not|none|which|on|by|be|been|unremarkable|evidence|at|it|that|focal|left|right|mild"
        "|size"
    ).split("|")
)
_PUNCTUATION = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d", "-"),
        **dict.fromkeys("\u2018\u2019\u201a\u2032\u00b4`", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2022\u25cf\u25aa\u25e6\u00b7\u2023", "*"),
        **dict.fromkeys("\u00d7\u2715\u2a2f", "x"),
    }
)
_SCRIPTS = ("LATIN", "GREEK", "MICRO", "FEMININE", "MASCULINE")
_WORD = re.compile(r"[a-z]+")


def refusal(text: str) -> str | None:
    """Why a text is not read at all: ``empty``, ``too_long``, ``odd_characters``, ``not_english``.

    Characters that do not show, or letters of other scripts among Latin ones, could hide a word.
    """
    if len(text) > MAX_CHARACTERS:
        return "too_long"
    if not text.strip():
        return "empty"
    if any(map(_odd, set(text.removeprefix("\ufeff")))):
        return "odd_characters"
    words = _WORD.findall(plain(text))
    return None if _english(words) else "not_english"


def _english(words: list[str]) -> bool:
    """A cheap test: foreign sentences are not understood anyway."""
    if len(words) < MIN_WORDS:
        return bool(words)
    common = sum(word in _ENGLISH for word in words)
    known = sum(word in LEXICON for word in words)
    return common >= ENGLISH_SHARE * len(words) or known >= KNOWN_SHARE * len(words)


def plain(text: str) -> str:
    """Lower-case letters without accents, ASCII dashes and quotes; exactly as long as the text."""
    return text if text.isascii() and text.islower() else "".join(map(_plain, text))


def _plain(character: str) -> str:
    if character.isascii():
        return character.lower()
    if character.isspace() or character == "\ufeff":
        return " "
    mapped = character.translate(_PUNCTUATION)
    first, *rest = unicodedata.normalize("NFKD", mapped)
    if rest and not all(map(unicodedata.combining, rest)):
        first = mapped
    lower = first.lower()
    return lower if len(lower) == 1 else first


def _odd(character: str) -> bool:
    if character in "\n\r\t":
        return False
    category = unicodedata.category(character)[0]
    if category in "CM":
        return True
    script = unicodedata.name(character, "").partition(" ")[0]
    return category == "L" and script not in _SCRIPTS and not _plain(character).isascii()
