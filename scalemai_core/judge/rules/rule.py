"""What a rule is, and what it says where it bites."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from scalemai_core.judge.rules.masks import Masks
from scalemai_core.records.finding import Severity
from scalemai_core.settings.judgement import JudgeSettings


class Hit(NamedTuple):
    """A rule bites: on which structure, how hard, the number, its limit, in plain words."""

    structure: str
    severity: Severity
    value: float
    limit: float
    message: str


Check = Callable[[Masks, JudgeSettings], Iterator[Hit]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A named check, the unit of its numbers, and where it comes from."""

    name: str
    check: Check
    unit: str
    source: str
    waiver: str
    """What may make the finding wrong: a reader who knows of it keeps the mask."""


@cache
def spoken(name: str) -> str:
    """A structure's name as people say it: ``right kidney``, ``vertebra T12``."""
    words = name.replace("vertebrae_", "vertebra_").split("_")
    for side in ("left", "right"):
        if side in words:
            words = [side, *(word for word in words if word != side)]
    return " ".join(words)


def fault_if(condition: bool) -> Severity:  # noqa: FBT001 - reads as a sentence at its calls
    """A fault where the condition holds, else a doubt."""
    return Severity.FAULT if condition else Severity.DOUBT
