"""What the report says of the audit: how many were looked at, what was found, what that proves."""

from __future__ import annotations

from dataclasses import dataclass

from scalemai_core.judge.decisions.audit import audit_size
from scalemai_core.page.draw.number import count, percent
from scalemai_core.records.round import RoundResult
from scalemai_core.settings.judgement import DecideSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditWords:
    """The audit's numbers that the record does not hold, and its meaning."""

    found: float | None
    """Share of errors among the masks looked at."""
    wanted: int
    """Masks to look at for the width that the settings ask for."""
    meaning: str


def audit_words(result: RoundResult, settings: DecideSettings) -> AuditWords:
    """The audit as the page tells it."""
    return AuditWords(
        found=result.audit_errors / result.audited if result.audited else None,
        wanted=audit_size(result.audit_population, settings),
        meaning=audit_sentence(result),
    )


def audit_sentence(result: RoundResult) -> str:
    """How many automatic changes were looked at, and what that says of all of them."""
    population = count(result.audit_population)
    if not result.audit_population:
        return "Nothing was changed without a person, so there was nothing to audit."
    if result.audit_upper_bound is None:
        return f"Nobody looked at the {population} masks changed without a person."
    return (
        f"People looked at {count(result.audited)} of {population} masks changed without a person "
        f"and found {count(result.audit_errors)} wrong: {_bound(result.audit_upper_bound)}."
    )


def _bound(upper: float) -> str:
    if upper >= 1.0:
        return "that bounds nothing, all of them may be wrong"
    return f"with 95\u00a0% confidence at most {percent(upper)} of all are wrong"
