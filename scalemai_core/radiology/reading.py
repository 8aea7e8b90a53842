"""A whole report, read twice: what rules and a language model agree on, what rules say alone."""

from __future__ import annotations

from enum import StrEnum

from scalemai_core.errors import NoAnswer
from scalemai_core.radiology.plain import plain, refusal
from scalemai_core.radiology.question import Ask, read_by_model
from scalemai_core.radiology.rules import read_by_rules
from scalemai_core.radiology.summary import Evidence, agrees, summary
from scalemai_core.records.base import Record
from scalemai_core.records.said import Said
from scalemai_core.records.statement import Statement
from scalemai_core.taxonomy.taxonomy import Taxonomy


class SecondPass(StrEnum):
    """What came of the language model."""

    OFF = "off"
    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    """It was asked; then nothing may be deleted by this report."""


class Reading(Record):
    """What a report states of lesions."""

    agreed: tuple[Statement, ...] = ()
    """Statements of the rules whose presence, structure and organ the second pass confirms."""
    alone: tuple[Statement, ...] = ()
    """Statements of the rules without that."""
    second: tuple[Statement, ...] = ()
    """All statements of the second pass."""
    second_pass: SecondPass = SecondPass.OFF
    said: tuple[Said, ...] = ()
    """What is said of each lesion structure in each organ, in the order of the taxonomy."""
    reason: str | None = None
    """Why nothing was read (``empty``, ``too_long``, ``odd_characters``, ``not_english``), or why
    the second pass gave no answer."""

    @property
    def statements(self) -> tuple[Statement, ...]:
        """All of the rules, in the order of the text."""
        return tuple(sorted((*self.agreed, *self.alone), key=lambda said: said.offset))

    @property
    def may_delete(self) -> frozenset[tuple[str, str]]:
        """Lesion structures and organs whose candidates may be removed."""
        return frozenset((one.structure, one.organ) for one in self.said if one.may_delete)

    def of(self, structure: str, organ: str) -> Said | None:
        """What is said of one structure in one organ; None if nothing is."""
        found = (one for one in self.said if (one.structure, one.organ) == (structure, organ))
        return next(found, None)


def read_report(
    text: str | None, taxonomy: Taxonomy, ask: Ask | None = None, max_characters: int = 20_000
) -> Reading:
    """Read one report; bad text gives no statements and a ``reason``, never an exception.

    ``ask`` is the second pass (``Endpoint(settings, key).ask``), left out of reports longer than
    ``max_characters``, which then excludes nothing.
    """
    if reason := refusal(text or ""):
        return Reading(reason=reason)
    text = text or ""
    found = read_by_rules(text, plain(text))
    second, second_pass, reason = _second(text, taxonomy, ask, max_characters)
    agreed, alone = [], []
    for said in found.statements:
        (agreed if agrees(said, second, taxonomy) else alone).append(said)
    evidence = Evidence(
        statements=tuple(found.statements),
        second=second if second_pass is SecondPass.ANSWERED else None,
        doubts=tuple(found.doubts),
        narrow=frozenset(found.narrow),
        failed=second_pass is SecondPass.NO_ANSWER,
    )
    return Reading(
        agreed=tuple(agreed),
        alone=tuple(alone),
        second=second,
        second_pass=second_pass,
        said=summary(evidence, taxonomy),
        reason=reason,
    )


def _second(
    text: str, taxonomy: Taxonomy, ask: Ask | None, max_characters: int
) -> tuple[tuple[Statement, ...], SecondPass, str | None]:
    if ask is None:
        return (), SecondPass.OFF, None
    if len(text) > max_characters:
        return (), SecondPass.NO_ANSWER, "too long for the second pass"
    try:
        return read_by_model(text, ask, taxonomy), SecondPass.ANSWERED, None
    except NoAnswer as error:
        return (), SecondPass.NO_ANSWER, str(error)
