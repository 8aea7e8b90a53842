"""What the rules collect from a report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from scalemai_core.radiology.sentence import Section, Sentence
from scalemai_core.records.statement import Statement

FACTS = (Section.FINDINGS, Section.IMPRESSION)
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
    narrow: list[Statement] = field(default_factory=list[Statement])
    """Absences of some lesions (metastases), which those of other kinds do not contradict."""

    def doubt(self, sentence: Sentence, organs: Iterable[str] | None) -> None:
        """Of no organ in particular where ``organs`` is None."""
        for organ in (None,) if organs is None else organs:
            self.doubts.append(Doubt(organ=organ, sentence=sentence.text, offset=sentence.offset))
