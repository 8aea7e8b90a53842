"""The first pass: what the rules make of a report, sentence by sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from scalemai_core.radiology.anatomy import KIDNEYS
from scalemai_core.radiology.doubt import HEDGE, PAST, RETRACTED, Said, limits, said
from scalemai_core.radiology.exclusion import Understood, understood
from scalemai_core.radiology.labelled import labelled
from scalemai_core.radiology.lexicon import Kind, affirmed, excluded, whole
from scalemai_core.radiology.measure import count, sizes_mm
from scalemai_core.radiology.mention import Marks, Mention, marks, mentions
from scalemai_core.radiology.place import place
from scalemai_core.radiology.sentence import Section, Sentence, known_label, sentences
from scalemai_core.records.statement import Presence, Statement

FACTS = (Section.FINDINGS, Section.IMPRESSION)
MAX_SENTENCE = 1000
"""Characters beyond which a sentence is not read: it may say anything of any organ. Ours."""
_SIDES = re.compile(r"(?<![a-z])(left|right|bilateral|both|kidneys)(?![a-z])")
_RANK = {Presence.PRESENT: 2, Presence.UNCERTAIN: 1, Presence.ABSENT: 0}
Topic = tuple[str, ...] | None
"""Organs that words without anatomy are about; None where nothing says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A sentence that forbids to delete."""

    organ: str | None
    """None: it may be about any."""
    sentence: str
    offset: int


@dataclass(slots=True)
class RulesReading:
    """What the rules found."""

    statements: list[Statement] = field(default_factory=list[Statement])
    doubts: list[Doubt] = field(default_factory=list[Doubt])

    def doubt(self, sentence: Sentence, organs: Iterable[str] | None) -> None:
        """Of no organ in particular where ``organs`` is None."""
        for organ in (None,) if organs is None else organs:
            self.doubts.append(Doubt(organ=organ, sentence=sentence.text, offset=sentence.offset))


def read_by_rules(text: str, plain: str) -> RulesReading:
    """All statements and doubts, in order."""
    reading = RulesReading()
    found = list(sentences(text, plain))
    for sentence in found:
        if len(sentence.plain) > MAX_SENTENCE:
            reading.doubt(sentence, None)
    short = [sentence for sentence in found if len(sentence.plain) <= MAX_SENTENCE]
    for sentence, sense, topic in _understood(short):
        if sentence.section in (*FACTS, Section.TECHNIQUE, Section.OTHER):
            _limits(sentence, topic, reading)
        if RETRACTED.search(sentence.plain):
            reading.doubt(sentence, None)
        if sense is not None:
            reading.statements += _proved(sentence, sense)
        else:
            _suspect(sentence, topic, reading)
    return reading


def _understood(
    found: list[Sentence],
) -> Iterator[tuple[Sentence, Understood | None, Topic]]:
    """Every sentence, what it says if it is understood, and what it would be about."""
    senses: list[Understood | None] = []
    topics: list[Topic] = []
    for index, sentence in enumerate(found):
        topic = _label_topic(sentence)
        if index and found[index - 1].line == sentence.line:
            before = senses[index - 1]
            topic = topics[-1] if before is None or before.organs is None else before.organs
        topics.append(topic)
        senses.append(_sense(sentence, topic))
    for index, sentence in enumerate(found):
        torn = _torn(found, senses, index) or _torn(found, senses, index + 1)
        yield sentence, None if torn else senses[index], topics[index]


def _label_topic(sentence: Sentence) -> Topic:
    if sentence.label is None:
        return None
    found = marks(sentence.label)
    return found.organs if found.organs or found.elsewhere else None


def _sense(sentence: Sentence, topic: Topic) -> Understood | None:
    if sentence.section not in FACTS:
        return None
    if sentence.label is None:
        return understood(sentence.plain, topic)
    if not known_label(sentence.label):
        return labelled(sentence.label, sentence.plain)
    return understood(sentence.plain, topic) if _sided(sentence.label) else None


def _sided(label: str) -> bool:
    return "kidney" not in re.sub(r"(?:left|right|both|either) kidney|kidneys", " ", label)


def _torn(found: list[Sentence], senses: list[Understood | None], index: int) -> bool:
    """Whether a line break before this sentence may have torn one sentence into two."""
    if not 0 < index < len(found):
        return False
    before, after = found[index - 1], found[index]
    whole_lines = before.line == after.line or before.closed or after.apart
    if whole_lines or (after.labelled and (before.labelled or after.label is not None)):
        return False
    return senses[index - 1] is None or senses[index] is None


def _proved(sentence: Sentence, sense: Understood) -> Iterator[Statement]:
    for exclusion in sense.exclusions:
        for structure, explicit in excluded(exclusion.organ, exclusion.kind).items():
            yield Statement(
                structure=structure,
                organ=exclusion.organ,
                presence=Presence.ABSENT,
                explicit=explicit and not exclusion.narrow,
                sentence=sentence.text,
                offset=sentence.offset,
            )
    for structure, organ in (*sense.absent, *((s, o) for o in sense.normal for s in whole(o))):
        yield Statement(
            structure=structure,
            organ=organ,
            presence=Presence.ABSENT,
            explicit=(structure, organ) in sense.absent,
            sentence=sentence.text,
            offset=sentence.offset,
        )
    for structure, organ in sense.present:
        yield Statement(
            structure=structure,
            organ=organ,
            presence=Presence.PRESENT,
            sentence=sentence.text,
            offset=sentence.offset,
        )


def _limits(sentence: Sentence, topic: Topic, reading: RulesReading) -> None:
    if not limits(sentence.plain):
        return
    found = marks(sentence.plain)
    if found.organs:
        reading.doubt(sentence, found.organs)
    elif not found.elsewhere:
        reading.doubt(sentence, topic if sentence.label else None)


def _suspect(sentence: Sentence, topic: Topic, reading: RulesReading) -> None:
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
    if sentence.section in (*FACTS, Section.OTHER):
        organs = found.organs if anatomy else topic
        _doubt(sentence, organs, own, reading)
        if not placed:
            reading.doubt(sentence, None)
    elif found.organs and (found.lesions or PAST.search(plain)):
        reading.doubt(sentence, found.organs)


def _doubt(sentence: Sentence, organs: Topic, own: Marks, reading: RulesReading) -> None:
    if organs:
        reading.doubt(sentence, organs)
    words = sentence.plain
    speaks = bool(own.lesions or sizes_mm(words) or HEDGE.search(words)) or "?" in words
    if speaks and not (own.organs or own.elsewhere or sentence.label):
        reading.doubt(sentence, None)


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
