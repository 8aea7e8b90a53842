"""A report taken apart: sections, labels such as ``LIVER:``, and sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from scalemai_core.radiology.vocabulary import Role, words


class Section(StrEnum):
    """What a part of a report is there for."""

    FINDINGS = "findings"
    IMPRESSION = "impression"
    BACKGROUND = "background"
    """Indication, history, technique, comparison: no facts of this scan."""
    TECHNIQUE = "technique"
    OTHER = "other"
    """Under a heading that is not known."""


_HEADINGS = {
    Section.FINDINGS: "findings|finding|observations|ct findings|addendum|results",
    Section.IMPRESSION: "impression|impressions|conclusion|conclusions|summary|opinion",
    Section.BACKGROUND: "indication|indications|clinical indication|reason for exam"
    "|reason for study|reason for examination|history|clinical history|clinical information"
    "|clinical data|past medical history|comparison|comparisons|prior|priors|prior studies|reason"
    "|clinical question|question|hpi|family history|surgical history|pmh|prior report"
    "|recommendation|recommendations|clinical details|clinical|clinical background"
    "|provided history|plan"
    "|prior exam|previous findings|previous report|prior findings|old report",
    Section.TECHNIQUE: "technique|procedure|protocol|exam|examination|study|ct technique|contrast"
    "|type of exam|title|exam type",
}
HEADINGS = MappingProxyType(
    {words: section for section, row in _HEADINGS.items() for words in row.split("|")}
)

_LABEL = re.compile(
    r"\s{0,40}(?:\(?\d{1,2}[.)]\s{0,9}|[-*#>]{1,3}\s{0,9})?([a-z][a-z /,&_()\-]{0,60}?) ?:(?!\d)"
)
_BULLET = re.compile(r"\s{0,40}(?:\(?\d{1,2}[.)](?=\s)|[-*#>]{1,3})\s{0,9}")
_STOP = re.compile(
    r"(?:(?<![.])[.](?![.])|[!?])(?=[\s\"')\]]|$)|(?<=[a-z]{3})[.](?=[A-Z][a-z])|;|\s(?=\(?\d{1,2}[.)]\s[A-Z])"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:dr|mr|mrs|ms|vs|approx|cf|e\.g|i\.e|eg|ie|fig|prof|diam|seg|segm|[a-z])\.\Z"
)
_RULE = " \t.:*#_=-"
_LINE = re.compile(r"\r\n|[\r\n]")
_FIGURE = re.compile(r"\s*(?:[a-z]|\d+(?:\.\d+)?\s?(?:x|mm|cm)\b)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence, or a line that stands for one."""

    text: str
    """As written, a label in front included."""
    plain: str
    """Without the label."""
    offset: int
    """Where ``text`` starts."""
    section: Section
    label: str | None
    """Plain words before the colon of its line, where that is no heading of a section."""
    line: int
    """Number of its paragraph: lines that run on share one."""
    closed: bool
    """Whether punctuation ends it."""
    labelled: bool
    """Whether a label, a heading or a bullet starts its line."""
    apart: bool
    """Whether a blank line stands before its line."""


@dataclass(slots=True)
class _Line:
    start: int
    end: int
    label: str | None
    section: Section
    labelled: bool
    apart: bool = False
    label_start: int | None = None
    """Where the label starts that stands on this line."""


def sentences(text: str, plain: str) -> Iterator[Sentence]:
    """All sentences in order; linear in the length of the text."""
    for number, line in enumerate(_paragraphs(text, plain)):
        for start, end, closed in _split(text, plain, line):
            begin = start if line.label_start is None else line.label_start
            line.label_start = None
            yield Sentence(
                text=text[begin:end],
                plain=plain[start:end],
                offset=begin,
                section=line.section,
                label=line.label,
                line=number,
                closed=closed,
                labelled=line.labelled,
                apart=line.apart,
            )


def _paragraphs(text: str, plain: str) -> Iterator[_Line]:
    """Lines, those that run on joined to the one before, headings to the line below."""
    section, line, blank = Section.FINDINGS, None, True
    for start, end in _lines(plain):
        empty = not plain[start:end].strip()
        if line is not None and not empty and not _begins(text, plain, start, end):
            line.end = end
            continue
        above = None
        if line is not None:
            section, above = _heading(line, plain, section)
            yield line
        line = None if empty else _opened(plain, start, end, section)
        if line is not None:
            section = line.section
            line.label = line.label if line.labelled else above
            line.apart = blank
        blank = empty
    if line is not None:
        yield line


def _heading(line: _Line, plain: str, section: Section) -> tuple[Section, str | None]:
    """A label alone on its line is that of the next line, if it is anatomy, else a section's."""
    if line.label is None or plain[line.start : line.end].strip():
        return section, None
    return (section, line.label) if known_label(line.label) else (Section.OTHER, None)


def known_label(label: str) -> bool:
    """Whether every word of a label is anatomy, or a list's."""
    roles = {word.role for word in words(label)}
    return roles <= {Role.ORGAN, Role.ELSEWHERE, Role.AND, Role.OR, Role.COMMA, Role.THE}


def _lines(plain: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _LINE.finditer(plain):
        yield start, match.start()
        start = match.end()
    yield start, len(plain)


def _begins(text: str, plain: str, start: int, end: int) -> bool:
    """Whether a line starts something: it runs on where it starts small or with a measure."""
    return bool(
        _BULLET.match(plain, start, end)
        or _LABEL.match(plain, start, end)
        or plain[start:end].strip(_RULE) in HEADINGS
        or not _FIGURE.match(text, start, end)
    )


def _opened(plain: str, start: int, end: int, section: Section) -> _Line:
    found = _LABEL.match(plain, start, end)
    if found is None:
        bare = plain[start:end].strip(_RULE)
        if bare in HEADINGS:
            return _Line(end, end, None, HEADINGS[bare], labelled=True)
        bullet = _BULLET.match(plain, start, end)
        begin = bullet.end() if bullet else start
        return _Line(begin, end, None, section, labelled=bullet is not None)
    label = found[1].strip()
    if label in HEADINGS:
        return _Line(found.end(), end, None, HEADINGS[label], labelled=True)
    return _Line(found.end(), end, label, section, labelled=True, label_start=found.start(1))


def _split(text: str, plain: str, line: _Line) -> Iterator[tuple[int, int, bool]]:
    start = line.start
    for stop in _STOP.finditer(text, line.start, line.end):
        if stop[0] == "." and _ABBREVIATION.search(plain[max(start, stop.end() - 20) : stop.end()]):
            continue
        if plain[start : stop.end()].strip(_RULE + "0123456789"):
            yield *_trimmed(plain, start, stop.end()), bool(stop[0].strip())
        start = stop.end()
    if plain[start : line.end].strip():
        yield *_trimmed(plain, start, line.end), False


def _trimmed(plain: str, start: int, end: int) -> tuple[int, int]:
    """Without white space around, and without the number that a list gives it."""
    bullet = _BULLET.match(plain, start, end)
    begin = bullet.end() if bullet and bullet.end() < end else start
    inside = plain[begin:end]
    return begin + len(inside) - len(inside.lstrip()), begin + len(inside.rstrip())
