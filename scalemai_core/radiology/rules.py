"""The first pass: what the rules make of a report, sentence by sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scalemai_core.radiology.doubt import RETRACTED, limits
from scalemai_core.radiology.exclusion import Understood, understood
from scalemai_core.radiology.found import FACTS, Doubt, RulesReading, Topic
from scalemai_core.radiology.harmless import is_harmless
from scalemai_core.radiology.labelled import labelled
from scalemai_core.radiology.lexicon import Kind, excluded, whole
from scalemai_core.radiology.mention import marks
from scalemai_core.radiology.sentence import Section, Sentence, known_label, sentences
from scalemai_core.radiology.suspicion import asked, suspect, suspect_ducts
from scalemai_core.records.statement import Presence, Statement

MAX_SENTENCE = 1000
"""Characters beyond which a sentence is not read: it may say anything of any organ. Ours."""
_QUOTED = re.compile(
    r"(?<![a-z])(?:prior|previous|old|outside|earlier|external|initial|comparison) (?:[a-z]+ ){0,3}"
    r"(?:reports?|findings|impressions?|results|text)[ \t]*(?::|$)",
    re.MULTILINE,
)
"""Somebody else's report within the report."""
_ADDED = re.compile(r"^[ \t]*addend(?:um|a)(?![a-z])", re.MULTILINE)
"""What comes afterwards may take back all that stands before."""
_CONTRAST = re.compile(r"^(?:iv |i\.v\. |intravenous )?contrast")
_NONE = re.compile(r"(?:no|none|nil|not|without)(?![a-z])")
_POINTS_BACK = re.compile(r"(?:\d\. ?)?findings (?:as )?(?:described|detailed) above\.?")
"""Says nothing that was not read before."""
_PARTS = re.compile(
    r"^[ \t]*((?:ct )?(?:findings|impression|conclusion))[ \t]*(?::|$)", re.MULTILINE
)


def read_by_rules(text: str, plain: str) -> RulesReading:
    """All statements and doubts, in order."""
    reading = RulesReading()
    reading.doubts += _several(text, plain)
    found = list(sentences(text, plain))
    for sentence in found:
        if len(sentence.plain) > MAX_SENTENCE:
            reading.doubt(sentence, None)
    short = [sentence for sentence in found if len(sentence.plain) <= MAX_SENTENCE]
    questions = asked(found)
    for sentence, sense, topic, torn in _understood(short):
        if sentence.section in (*FACTS, Section.TECHNIQUE, Section.OTHER):
            _limits(sentence, topic, reading)
            suspect_ducts(sentence, reading)
        if RETRACTED.search(sentence.plain):
            reading.doubt(sentence, None)
        if sense is not None:
            _believe(sentence, sense, reading)
        elif sentence.line not in questions and (torn or not _harmless(sentence)):
            suspect(sentence, topic, reading)
    return reading


def _harmless(sentence: Sentence) -> bool:
    """``Finding: normal duct`` may be of anything: a label is anatomy."""
    label = sentence.label
    if label is None and _POINTS_BACK.fullmatch(sentence.plain):
        return sentence.section is Section.IMPRESSION
    return (label is None or known_label(label)) and is_harmless(sentence.plain)


def _believe(sentence: Sentence, sense: Understood, reading: RulesReading) -> None:
    """Take a sentence that is understood at its word."""
    proved = list(_proved(sentence, sense))
    reading.statements += proved
    if sense.exclusions:
        absent = (said for said in proved if said.presence is Presence.ABSENT)
        reading.narrow += [said for said in absent if not said.explicit]


def _several(text: str, plain: str) -> Iterator[Doubt]:
    """A heading that comes twice, or announces another report: which one is of this scan?"""
    seen: set[str] = set()
    for match in _PARTS.finditer(plain):
        if match[1] in seen:
            yield Doubt(organ=None, sentence=text[slice(*match.span())], offset=match.start())
        seen.add(match[1])
    for match in (*_QUOTED.finditer(plain), *_ADDED.finditer(plain)):
        yield Doubt(organ=None, sentence=text[slice(*match.span())], offset=match.start())


def _understood(
    found: list[Sentence],
) -> Iterator[tuple[Sentence, Understood | None, Topic, bool]]:
    """Every sentence, what it says if it is understood, what it would be about, and whether it may
    be half a sentence."""
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
        yield sentence, None if torn else senses[index], topics[index], torn


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
    denied = {(one.organ, one.kind) for one in sense.exclusions if not one.narrow}
    for exclusion in sense.exclusions:
        # What is neither solid nor cystic is not there at all.
        all_kinds = {(exclusion.organ, Kind.MASS), (exclusion.organ, Kind.CYST)} <= denied
        for structure, explicit in excluded(exclusion.organ, exclusion.kind).items():
            yield Statement(
                structure=structure,
                organ=exclusion.organ,
                presence=Presence.ABSENT,
                explicit=(explicit or all_kinds) and not exclusion.narrow,
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
    withheld = _CONTRAST.search(sentence.label or "") and _NONE.match(sentence.plain)
    if not (limits(sentence.plain) or withheld):
        return
    found = marks(sentence.plain)
    if found.organs:
        reading.doubt(sentence, found.organs)
    elif not found.elsewhere:
        reading.doubt(sentence, topic if sentence.label else None)
