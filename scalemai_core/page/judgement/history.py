"""What happened to one annotation, round by round, in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from scalemai_core.page.draw.number import dice, duration, is_missing, probability
from scalemai_core.page.judgement.usual import Row
from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.review import ItemKind, Verdict

_SAID = {
    Candidate.CURRENT: "kept the current mask",
    Candidate.PREDICTION: "took the prediction",
    Candidate.REPAIRED: "took the repaired mask",
    Candidate.ALTERNATIVE: "took the alternative mask",
    Candidate.DECIDED: "agreed with what the engine had decided",
    Candidate.READER: "drew a mask of their own",
}
_VERBS = {
    Action.KEEP: "kept",
    Action.REPLACE: "to be replaced",
    Action.IMPUTE: "to be filled in",
    Action.SET_ABSENT: "to be set to absent",
    Action.REVIEW: "a question to a reader",
    Action.HOLD: "on hold",
}


class Step(IntEnum):
    """The order of what happens within a round."""

    DECIDED = 0
    ANSWERED = 1
    CHANGED = 2


@dataclass(frozen=True, slots=True, order=True)
class Happening:
    """One line of an annotation's history; sorts by round and step."""

    round: int
    step: Step
    words: str

    def __str__(self) -> str:
        when = "Ingestion" if self.round == 0 else f"Round {self.round}"
        return f"{when}: {self.words}"


def decided(number: int, row: Row) -> Happening:
    """A row of a round's decisions."""
    words = f"{_VERBS[Action(row['action'])]}: {row['reason']}"
    if row["state"] != State.UNKNOWN.value and not is_missing(row["dice"]):
        words += f" (Dice to the prediction {dice(row['dice'])})"
    return Happening(number, Step.DECIDED, words)


def answered(verdict: Verdict, kind: ItemKind) -> Happening:
    """A reader's verdict on it."""
    asked = "asked in an audit" if kind is ItemKind.AUDIT else "asked"
    words = f"reader '{verdict.reader}', {asked}, {_SAID[verdict.choice]}"
    return Happening(verdict.round, Step.ANSWERED, f"{words} ({duration(verdict.seconds)})")


def changed(row: Row) -> Happening:
    """A row of the changes that a dataset version brought."""
    number = int(row["round"])
    by = maker(row["origin"], row["origin_name"])
    if row["after"] == State.ABSENT.value:
        words = f"stated absent by {by}"
    elif row["before"] == State.UNKNOWN.value:
        words = f"first mask, from {by}"
    else:
        words = f"changed; the mask is from {by}"
    # Ingestion needs no reason, and a reader's has its own line.
    because = f" ({row['reason']})" if number and row["origin"] != Origin.HUMAN.value else ""
    return Happening(number, Step.CHANGED, words + because)


def standing(version: int, annotation: Annotation | None) -> str:
    """What the newest dataset version believes."""
    if annotation is None or annotation.state is State.UNKNOWN:
        return f"Now (dataset version {version}): unknown"
    by = maker(annotation.origin.value, annotation.origin_name)
    words = f"Now (dataset version {version}): {annotation.state}, from {by}"
    estimated = annotation.origin not in (Origin.HUMAN, Origin.GOLD)
    if estimated and annotation.quality is not None:
        words += f", good with probability {probability(annotation.quality)}"
    return words + (", on hold: no weight in training" if annotation.weight == 0 else "")


def maker(origin: str, name: str) -> str:
    """Whose mask it is, in words."""
    return {
        Origin.GOLD.value: f"the trusted source '{name}'",
        Origin.SOURCE.value: f"the source '{name}'",
        Origin.MODEL.value: f"model {name}",
        Origin.RULE.value: "a repair by rule",
        Origin.HUMAN.value: f"reader '{name}'",
        Origin.REPORT.value: "the report",
    }.get(origin, "nobody")
