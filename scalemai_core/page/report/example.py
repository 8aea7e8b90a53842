"""One mask with its picture and the numbers that decided on it."""

from __future__ import annotations

from dataclasses import dataclass

from scalemai_core.page.draw.number import is_missing, name, probability
from scalemai_core.records.decision import Action

_ORDER = (
    Action.REPLACE,
    Action.IMPUTE,
    Action.SET_ABSENT,
    Action.HOLD,
    Action.REVIEW,
    Action.KEEP,
)
"""What was changed without a person first."""
_CHANGED = 3
"""The first of them count as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One mask with its picture."""

    case: str
    structure: str
    action: Action
    reason: str
    dice: float | None
    """Annotation against prediction; None where one of them is missing."""
    quality: float | None
    """Probability that the annotation's mask is good; None where it was unknown."""
    rival: str
    """The other mask that competes: the prediction, or a proposal."""
    quality_rival: float | None
    better: float | None
    """Probability that the rival is the better mask; None where there was no mask to beat."""
    png: bytes
    caption: str


def place(example: Example) -> tuple[int, float]:
    """Its place among examples: by what was decided, the largest disagreement first."""
    group = max(_ORDER.index(example.action), _CHANGED - 1)
    return (group, -1.0 if is_missing(example.dice) else example.dice or 0.0)


def judged(example: Example) -> str:
    """Qualities of both masks and which is better, in words."""
    rival = f"{name(example.rival)} {probability(example.quality_rival)}"
    if is_missing(example.quality):
        return f"Quality: {rival}; there was no mask"
    return (
        f"Quality: annotation {probability(example.quality)}, {rival}; "
        f"P({name(example.rival)} better) {probability(example.better)}"
    )
