"""Sentences that are understood to the last word: normal organs and lesions that are excluded.

A sentence is a string of roles (``there are no`` ``focal lesions`` ``in`` ``the`` ``liver`` is
``nkidg``), cut before every ``no`` into clauses. Each clause must match one of the patterns below,
else the whole sentence is not understood. Two things that people may mean by the same words (a mass
of which of two organs?) are not understood either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scalemai_core.radiology.anatomy import KIDNEYS, ORGAN_WORDS
from scalemai_core.radiology.lexicon import KIND_WORDS, Kind
from scalemai_core.radiology.vocabulary import Role, Word, words

MAX_WORDS = 80
"""Longest sentence that is understood. Ours."""

_ORGANS = r"d?[go](?:(?:,d?[go])*(?:,?[&|]d?[go])+)?"
_NOUN = r"(?:f|r(?:\|r)?)*(?:[go](?:(?:,[go])*,?\|[go])?)?[fr]*[khS]"
_NEGATIVE = re.compile(
    rf"n(?P<nouns>{_NOUN}(?:(?:,{_NOUN})*,?\|{_NOUN})?)(?:s?i(?P<places>{_ORGANS}))?[sb]?\Z"
)
"""No mass, stone or dilatation (in the liver, kidneys and pancreas) (is seen)."""
_AFTERWARDS = re.compile(rf"e?(?:(?P<nouns>f?[go]f?k)|(?P<bare>f?k)i(?P<places>{_ORGANS}))z\Z")
"""A liver lesion is not seen."""
_SIMPLE = re.compile(rf"[tebaq]*m(?P<nouns>[go]?a?k)(?:i(?P<places>{_ORGANS}))?[sb]?\Z")
"""Multiple simple cysts in both kidneys."""
_HARMLESS = re.compile(r"(?:[dagohvts,&|wbq]|N|(?<!^)i)*\Z")
_NORMAL = re.compile(rf"(?:(?P<subject>{_ORGANS})(?:v|d)?N|N(?P<after>{_ORGANS})|N)(?:[,w&]+.*)?\Z")
"""The liver is normal. Normal liver and kidneys. Unremarkable."""
_SUBJECT = re.compile(rf"(?:[Na]*|[ta]*h?i?)(?P<subject>{_ORGANS})(?P<rest>.*)\Z")

_HEADS = (Role.KIND, Role.OTHER_FINDING, Role.SIGN)
_ODD = frozenset({"small", "tiny", "trace", "severe", "distended"})
"""Of a stone or of the bowel, but no plain words of an organ."""
_AGAIN = frozenset(
    {"no", "nor", "or any", "and no", "there is no", "there are no", "no evidence of"}
)
"""What may follow a clause that excludes."""


_NEITHER = re.compile(r"neither kidney (?:shows|demonstrates|contains|has) (?:an? |any )?(.+)")
_EITHER_SIDE = re.compile(r"(?<![a-z])on either side(?![a-z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A kind of lesion that an organ does not have."""

    organ: str
    kind: Kind
    narrow: bool
    """Whether a word leaves out some of this kind."""


@dataclass(slots=True)
class Understood:
    """All that a sentence says."""

    exclusions: list[Exclusion] = field(default_factory=list[Exclusion])
    normal: tuple[str, ...] = ()
    """Organs that are called normal."""
    absent: tuple[tuple[str, str], ...] = ()
    """Structures, each with its organ, that a structured line says are not there."""
    present: tuple[tuple[str, str], ...] = ()
    """The same for those that it says are there."""
    organs: tuple[str, ...] | None = None
    """What the sentence is about, for the next one; None where it names nothing."""


class _NotUnderstood(Exception):  # noqa: N818 - never leaves this file
    """A clause that fits no pattern."""


def understood(plain: str, topic: tuple[str, ...] | None) -> Understood | None:
    """What a sentence says if every word of it is known; None otherwise.

    ``topic`` are the organs that a clause is about which names none; None where that is not known.
    """
    found = list(words(_in_known_words(plain.rstrip(".,; "))))[: MAX_WORDS + 1]
    if ".." in plain or not found or len(found) > MAX_WORDS:
        return None
    if any(word.role is Role.UNKNOWN for word in found):
        return None
    result = Understood()
    try:
        for clause in _clauses(found):
            topic = _read(clause, topic, result)
    except _NotUnderstood:
        return None
    return result


def _in_known_words(plain: str) -> str:
    """Sayings about both kidneys that the grammar knows by another name."""
    if neither := _NEITHER.match(plain):
        return f"no {neither[1]} in either kidney"
    return _EITHER_SIDE.sub("bilaterally", plain)


def organs_of(found: list[Word]) -> tuple[str, ...]:
    """Organs that words name, in order, each once."""
    named = (organ for word in found for organ in ORGAN_WORDS.get(word.text, ()))
    return tuple(dict.fromkeys(named))


def _clauses(found: list[Word]) -> list[list[Word]]:
    """Cut before every ``no``; connectors in front of it go. ``x without y``: y is of x."""
    clauses: list[list[Word]] = [[]]
    for word in found:
        if word.role is Role.NO and clauses[-1]:
            if clauses[-1][0].role is Role.NO and word.text not in _AGAIN:
                raise _NotUnderstood  # no x without y
            _drop_connectors(clauses[-1])
            clauses.append([])
        clauses[-1].append(word)
    if not all(clauses):
        raise _NotUnderstood
    return clauses


def _drop_connectors(clause: list[Word]) -> None:
    while clause and clause[-1].role in (Role.COMMA, Role.AND, Role.OR, Role.WITH):
        if clause.pop().role is Role.OR:
            raise _NotUnderstood  # the one or the other


def _roles(clause: list[Word]) -> str:
    return "".join(word.role.value for word in clause)


def _read(
    clause: list[Word], topic: tuple[str, ...] | None, result: Understood
) -> tuple[str, ...] | None:
    """Add what a clause says; returns what the next clause is about."""
    roles = _roles(clause)
    if after := _AFTERWARDS.match(roles):
        return _read_nouns(clause, after, topic, result)
    if simple := _SIMPLE.match(roles):
        return _read_simple(clause, simple, topic, result)
    if clause[0].role is Role.NO:
        negative = _NEGATIVE.match(roles)
        if negative is None:
            raise _NotUnderstood
        return _read_nouns(clause, negative, topic, result)
    _check_state(clause, roles)
    return _read_state(clause, roles, topic, result)


def _check_state(clause: list[Word], roles: str) -> None:
    said = set(roles)
    if not _HARMLESS.match(roles) or ("i" in said and not {"N", "h"} & said):
        raise _NotUnderstood
    if {"q", "b"} & said and "h" not in said:
        raise _NotUnderstood  # several of what?
    if "t" in said and not {"N", "h"} & said:
        raise _NotUnderstood  # there is what?
    if "g" in said and "h" not in said and any(word.text in _ODD for word in clause):
        raise _NotUnderstood  # a small what?


def _read_state(
    clause: list[Word], roles: str, topic: tuple[str, ...] | None, result: Understood
) -> tuple[str, ...] | None:
    """An organ's description; what follows is about it only if it is one list of organs."""
    named = [index for index, role in enumerate(roles) if role in "go"]
    if named:
        _check_side(clause)
        subject = _SUBJECT.match(roles)
        inside = subject is not None and named[-1] < subject.end("subject")
        topic = organs_of(clause) if inside else None
        result.organs = topic if inside else ()
    normal = _NORMAL.match(roles)
    if normal is not None:
        span = next((normal.span(name) for name in ("subject", "after") if normal[name]), None)
        result.normal += (topic or ()) if span is None else organs_of(clause[slice(*span)])
    return topic


def _read_nouns(
    clause: list[Word],
    match: re.Match[str],
    topic: tuple[str, ...] | None,
    result: Understood,
) -> tuple[str, ...] | None:
    group = "nouns" if match["nouns"] else "bare"
    nouns = _nouns(clause[slice(*match.span(group))])
    places = clause[slice(*match.span("places"))] if match["places"] else []
    if places and any(_named(noun) for noun in nouns):
        raise _NotUnderstood
    _check_side(places)
    about: tuple[str, ...] | None = organs_of(places) if places else topic
    narrow = False
    for noun in nouns:
        if _named(noun):
            about = organs_of(noun)
        narrow |= any(word.role is Role.NARROW for word in noun)  # an enhancing mass or cyst
        if noun[-1].role is Role.KIND:
            kind = KIND_WORDS[noun[-1].text]
            result.exclusions += [
                Exclusion(organ=organ, kind=kind, narrow=narrow) for organ in about or ()
            ]
    if places or any(_named(noun) for noun in nouns):
        result.organs = tuple(dict.fromkeys((*(result.organs or ()), *(about or ()))))
    return topic


def _read_simple(
    clause: list[Word],
    match: re.Match[str],
    topic: tuple[str, ...] | None,
    result: Understood,
) -> tuple[str, ...] | None:
    """Simple cysts of the kidneys: the one lesion that is understood to be there, and harmless."""
    nouns = clause[slice(*match.span("nouns"))]
    places = clause[slice(*match.span("places"))] if match["places"] else []
    _check_side(places)
    organs = organs_of(places) or organs_of(nouns) or topic or ()
    if KIND_WORDS[nouns[-1].text] is not Kind.CYST or not organs or set(organs) - set(KIDNEYS):
        raise _NotUnderstood
    if len(places) and _named(nouns):
        raise _NotUnderstood
    result.present += tuple(("kidney_cyst", organ) for organ in organs)
    result.organs = organs
    return topic


def _check_side(found: list[Word]) -> None:
    if any(word.text == "kidney" for word in found):
        raise _NotUnderstood  # which of the two?


def _named(noun: list[Word]) -> bool:
    return any(word.role in (Role.ORGAN, Role.ELSEWHERE) for word in noun)


def _nouns(found: list[Word]) -> list[list[Word]]:
    """The members of a list, each with the adjectives before it."""
    nouns: list[list[Word]] = [[]]
    for word in found:
        if word.role in (Role.COMMA, Role.OR):
            if nouns[-1] and nouns[-1][-1].role in _HEADS:
                nouns.append([])
        else:
            nouns[-1].append(word)
    return nouns
