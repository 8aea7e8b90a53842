"""What the report says of the round's expert: what it learned from, and where it may act."""

from __future__ import annotations

from dataclasses import dataclass

from scalemai_core.page.draw.number import count, name, percent
from scalemai_core.records.expert import ExpertReport, Family
from scalemai_core.records.round import RoundResult
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.settings.judgement import ExpertSettings

_AXIS_LOW = 0.5
"""Left end of the axis of accuracies: a coin's."""

SOURCES = {
    "gold": "gold fit",
    "stand-in": "agreeing masks that stand in for a truth",
    "none": "nothing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRow:
    """A family of structures as a row of the table; places are percent of the axis 50..100 %."""

    family: Family
    may_act: bool
    why: str
    low_at: float
    accuracy_at: float
    required_at: float


def required_accuracy(expert: ExpertReport, settings: ExpertSettings) -> float:
    """The lower bound that a family has to reach."""
    stand_in = expert.source == "stand-in"
    return settings.stand_in_accuracy if stand_in else settings.enable_accuracy


def family_rows(result: RoundResult, settings: EngineSettings) -> tuple[FamilyRow, ...]:
    """Every family that was tried, those that may act first."""
    required = required_accuracy(result.expert, settings.expert)
    trusted = result.out_of_fold or settings.decide.trust_in_sample
    rows = [
        FamilyRow(
            family=family,
            may_act=family.enabled and trusted,
            why=_why(family, settings.expert, required, trusted=trusted),
            low_at=_at(family.low),
            accuracy_at=_at(family.accuracy),
            required_at=_at(required),
        )
        for family in result.expert.families
    ]
    return tuple(sorted(rows, key=lambda row: (not row.may_act, -row.family.pairs)))


def expert_line(result: RoundResult) -> str:
    """The expert in one sentence: what it practised on, and where it may act."""
    expert = result.expert
    if expert.source == "none":
        return "it had nothing to learn from and may act nowhere"
    error = expert.calibration_error
    enabled = [name(family.kind) for family in expert.families if family.enabled]
    told = "" if error is None else f"; its quality is off by {percent(error)} on average"
    return (
        f"practised on {count(expert.masks)} masks of {count(expert.patients)} patients "
        f"({SOURCES[expert.source]}){told}; may act in {', '.join(enabled) or 'no family'}"
    )


def _why(family: Family, settings: ExpertSettings, required: float, *, trusted: bool) -> str:
    if family.enabled and not trusted:
        return "proven, but the model had seen the annotations it would replace"
    if family.enabled:
        return f"proven: {percent(family.low)} is at least the {percent(required)} needed"
    if family.patients == 0:
        return "it abstained on every pair"
    if family.patients < settings.min_patients:
        return f"too few patients: {count(settings.min_patients)} are needed"
    return f"not proven: {percent(family.low)} is below the {percent(required)} needed"


def _at(share: float) -> float:
    return 100.0 * max(0.0, (share - _AXIS_LOW) / (1.0 - _AXIS_LOW))
