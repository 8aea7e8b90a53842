"""Sentences that are not understood: what they seem to say, and the doubt that they leave."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scalemai_core.radiology.anatomy import KIDNEYS
from scalemai_core.radiology.doubt import HEDGE, PAST, Said, said
from scalemai_core.radiology.found import FACTS, RulesReading, Topic
from scalemai_core.radiology.lexicon import Kind, affirmed, excluded
from scalemai_core.radiology.measure import count, sizes_mm
from scalemai_core.radiology.mention import Marks, Mention, marks, mentions
from scalemai_core.radiology.place import place
from scalemai_core.radiology.sentence import Section, Sentence
from scalemai_core.records.statement import Presence, Statement

_SIDES = re.compile(r"(?<![a-z])(left|right|bilateral|both|kidneys)(?![a-z])")
_ASKED = re.compile(
    r"^(?:(?:abdominal pain|weight loss|jaundice|fatigue|pain|screening)[,;.] )?"
    r"(?:rule out|r/o|exclude|evaluate for|evaluation for|assess for|query) "
    r"(?:an? |any )?(?:(?:focal|occult|underlying|liver|hepatic|pancreas|pancreatic|kidney|renal"
    r"|colon|colonic|rectal|abdominal|intra-?abdominal) ){0,3}"
    r"(?:mass|masses|lesions?|tumou?rs?|neoplasm|malignancy|cancer)\.?$"
)
"""A question that the scan was made for, and nothing else: no ``known`` and no ``recurrent``."""
_SYMPTOM = re.compile(
    r"(?:abdominal pain|weight loss|jaundice|fatigue|pain|screening|nausea|vomiting|fever)\.?"
)
_BESIDE = re.compile(
    r"^(?:it|this|these|that|which)(?![a-z])|(?<![a-z])(?:than|toward|towards|against|next to"
    r"|near|into|beside|adjacent|contiguous|same as|compared|(?:abut|indent|reach|push|invad"
    r"|infiltrat|exten[ds]|encas|encircl|bulg|displac|compress|aris|contact)[a-z]*)(?![a-z])"
)
"""What is said of one organ and names another."""
_TELLS = re.compile(
    r"(?<![a-z])(?:advised?|refer(?:red|ral|rals)?|consult(?:ation)?|mdt|eus|ercp|biops(?:y|ied)"
    r"|(?:un)?resectable|critical|see|something|things?|round(?:ed)?|exophytic|li-?rads|[a-z]+-rads"
    r"|lr ?-? ?[1-5m]|stag(?:e|ing)|c?t[1-4][a-c]?(?: ?n[0-3x])?|target sign|bull's eye|blush"
    r"|rccs|someone|identity|margins?)(?![a-z])"
)
"""News that names no lesion and no place."""
_RANK = {Presence.PRESENT: 2, Presence.UNCERTAIN: 1, Presence.ABSENT: 0}


def asked(found: list[Sentence]) -> frozenset[int]:
    """Paragraphs of the history that hold a question, which the findings answer, and no news."""
    background = [one for one in found if one.section is Section.BACKGROUND]
    news = {
        one.line
        for one in background
        if not (_ASKED.search(one.plain) or _SYMPTOM.fullmatch(one.plain))
    }
    return frozenset(one.line for one in background) - news


_DUCT = re.compile(r"(?<![a-z])(?:bile|biliary|ducts?|ductal|cbd)(?![a-z])")
_WIDE = re.compile(r"(?<![a-z])(?:dilat\w*|distend\w*|obstruct\w*|prominent|wide|ectatic|cut-?off)")
_DENIED = re.compile(r"(?<![a-z])(?:no|not|nor|non|without|negative|absent)(?![a-z])")
_CLAUSE = re.compile(r"[,;:]|(?<![a-z])(?:but|however|although|and|with)(?![a-z])")


def suspect_ducts(sentence: Sentence, reading: RulesReading) -> None:
    """A wide duct may be all that shows of a tumour; where that is denied, nothing is said."""
    if _DUCT.search(sentence.plain):
        for clause in _CLAUSE.split(sentence.plain):
            wide = _WIDE.search(clause)
            if wide is not None and not _DENIED.search(clause[: wide.start()]):
                reading.doubt(sentence, ("pancreas", "liver"))


def suspect(sentence: Sentence, topic: Topic, reading: RulesReading) -> None:
    """A sentence that is not understood: statements of what it seems to say, and doubts."""
    label = "" if sentence.label is None else f"{sentence.label}: "
    plain = label + sentence.plain
    found, own = marks(plain), marks(sentence.plain)
    anatomy = bool(found.organs or found.elsewhere)
    stated: dict[tuple[str, str, int], Statement] = {}
    placed = True
    named = list(mentions(plain, found))
    shared = len({mention.stretch for mention in named}) > 1
    for mention in named:
        organs = mention.organs if anatomy else topic or ()
        placed = placed and (anatomy or (bool(topic) and sentence.label is not None))
        for statement in _stated(sentence, plain, mention, organs, shared=shared):
            key = (statement.structure, statement.organ, mention.stretch[0])
            if key not in stated or _RANK[statement.presence] > _RANK[stated[key].presence]:
                stated[key] = statement
    reading.statements += stated.values()
    reading.narrow += [said for said in stated.values() if said.presence is Presence.ABSENT]
    if sentence.section in (*FACTS, Section.OTHER):
        organs = own.organs or (found.organs if anatomy else topic)
        if _BESIDE.search(plain) or ((own.organs or own.elsewhere) and sentence.label):
            organs = tuple(dict.fromkeys((*(organs or ()), *found.organs, *(topic or ()))))
        _doubt(sentence, organs, own, reading)
        if not placed:
            reading.doubt(sentence, None)
    elif found.organs and (found.lesions or PAST.search(plain)):
        reading.doubt(sentence, found.organs)


def _doubt(sentence: Sentence, organs: Topic, own: Marks, reading: RulesReading) -> None:
    if organs:
        reading.doubt(sentence, organs)
    words = sentence.plain
    told = _TELLS.search(f"{sentence.label}: {words}" if sentence.label else words)
    speaks = bool(own.lesions or sizes_mm(words) or HEDGE.search(words) or told) or "?" in words
    if speaks and not (own.organs or own.elsewhere or _names_a_place(sentence.label)):
        reading.doubt(sentence, None)


def _names_a_place(label: str | None) -> bool:
    """``Spleen: 12 cm`` does, ``Size: 12 cm`` may be of anything."""
    found = marks(label or "")
    return bool(found.organs or found.elsewhere)


def _stated(
    sentence: Sentence, plain: str, mention: Mention, organs: tuple[str, ...], *, shared: bool
) -> Iterator[Statement]:
    start, end = mention.stretch
    stretch, before = plain[start:end], plain[start : mention.start]
    meant = said(stretch, before, plain)
    fact = sentence.section in FACTS
    if meant is Said.ABSENT and not fact:
        return
    organs, sided = _one_side(organs, stretch, plain[mention.start : mention.end])
    presence = Presence(meant.value)
    if meant is Said.PRESENT and not (fact and sided):
        presence = Presence.UNCERTAIN
    number, only = count(before)
    around = stretch if shared else plain
    sizes = sizes_mm(around)
    for organ in organs:
        names = affirmed(organ, mention.kind)
        if meant is Said.ABSENT:
            names = tuple(excluded(organ, mention.kind))
        for structure in names:
            yield Statement(
                structure=structure,
                organ=organ,
                presence=_softened(presence, mention.kind, structure),
                count=None if meant is Said.ABSENT else number,
                enumerated=meant is Said.PRESENT and only,
                sizes_mm=() if meant is Said.ABSENT else sizes,
                place=place(organ, around),
                sentence=sentence.text,
                offset=sentence.offset,
            )


def _softened(presence: Presence, kind: Kind, structure: str) -> Presence:
    """A complex cyst of the kidney is there; that it is a tumour is not said."""
    soft = kind is Kind.COMPLEX and structure == "kidney_tumor" and presence is Presence.PRESENT
    return Presence.UNCERTAIN if soft else presence


def _one_side(organs: tuple[str, ...], stretch: str, noun: str) -> tuple[tuple[str, ...], bool]:
    """Organs with one kidney where words name its side; whether the side is certain."""
    if not set(KIDNEYS) <= set(organs):
        return organs, True
    sides = set(_SIDES.findall(stretch))
    if len(sides) == 1 and sides < {"left", "right"}:
        other = "kidney_right" if sides == {"left"} else "kidney_left"
        return tuple(organ for organ in organs if organ != other), True
    return organs, bool(sides) or noun.endswith("s")
