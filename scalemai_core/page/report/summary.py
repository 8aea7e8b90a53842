"""A round in words: the sentence and the few numbers that stand first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scalemai_core.page.draw.number import change, count, dice, duration, name, percent
from scalemai_core.records.decision import Action
from scalemai_core.records.round import RoundResult, TruthScore

UNCHANGED = 0.0005
"""Below half of the last digit that is written."""


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One number that stands first, with its name and what it means."""

    name: str
    value: str
    meaning: str


def headline(result: RoundResult, history: Sequence[RoundResult] = ()) -> str:
    """What the round did, who worked for it and what became of the model, in one sentence."""
    first = _gain(result.number, result.truth) if result.truth else _changes(result, history)
    outcome = "was promoted" if result.promoted else "was not promoted"
    reason = result.promotion_reason.partition("; ")[0].strip().rstrip(".")
    model = f"model {result.model_version} {outcome}" + (f" \u2013 {reason}" if reason else "")
    return f"{first}; {_people(result)}; {model}."


def _gain(number: int, truth: TruthScore) -> str:
    before, after = truth.mean_dice_before, truth.mean_dice_after
    if abs(after - before) < UNCHANGED:
        return f"Round {number} left mean Dice to truth at {dice(after)}"
    verb = "raised" if after > before else "lowered"
    return f"Round {number} {verb} mean Dice to truth from {dice(before)} to {dice(after)}"


def _changes(result: RoundResult, history: Sequence[RoundResult]) -> str:
    earlier = [past for past in history if past.number < result.number]
    since = f" ({dice(earlier[-1].mean_agreement)} the round before)" if earlier else ""
    return (
        f"Round {result.number} changed {count(result.changed)} annotations; "
        f"annotation and prediction agree at mean Dice {dice(result.mean_agreement)}{since}"
    )


def _people(result: RoundResult) -> str:
    if result.reviewed_share == 0:
        return "nobody opened a mask"
    share = percent(result.reviewed_share)
    if result.number > 1:
        return f"people have opened {share} of masks so far"
    return f"people opened {share} of masks"


def key_figures(result: RoundResult) -> tuple[KeyFigure, ...]:
    """Six numbers that tell how the round went."""
    return (
        _quality_figure(result),
        _repair_figure(result),
        _people_figure(result),
        _audit_figure(result),
        KeyFigure(
            "On hold",
            count(result.held),
            f"{percent(result.held / result.masks if result.masks else 0.0)} of masks: doubtful, "
            "not reviewed, kept out of training",
        ),
        _model_figure(result),
    )


def _quality_figure(result: RoundResult) -> KeyFigure:
    truth = result.truth
    if truth is None:
        kind = "out-of-fold" if result.out_of_fold else "in-sample"
        meaning = f"mean Dice of annotation and {kind} prediction; no truth was given"
        return KeyFigure("Agreement", dice(result.mean_agreement), meaning)
    gained = change(truth.mean_dice_after - truth.mean_dice_before)
    return KeyFigure(
        "Dice to truth",
        dice(truth.mean_dice_after),
        f"{gained} from {dice(truth.mean_dice_before)} before; mean of {count(truth.masks)} masks",
    )


def _repair_figure(result: RoundResult) -> KeyFigure:
    truth = result.truth
    if truth is None:
        return KeyFigure(
            "Annotations changed",
            count(result.changed),
            f"{count(result.changed_automatically)} of them without a person",
        )
    share = percent(truth.corrected / truth.faulty) if truth.faulty else percent(None)
    return KeyFigure(
        "Faults corrected",
        share,
        f"{count(truth.corrected)} of {count(truth.faulty)} below Dice 0.8; "
        f"{count(truth.made_worse)} masks made worse",
    )


def _people_figure(result: RoundResult) -> KeyFigure:
    now = "none in this one"
    if result.reviewed:
        now = f"{count(result.reviewed)} in this one, taking {duration(60 * result.human_minutes)}"
    meaning = f"of {count(result.masks)} masks over all rounds; {now}"
    return KeyFigure("Opened by people", percent(result.reviewed_share), meaning)


def _audit_figure(result: RoundResult) -> KeyFigure:
    bound = result.audit_upper_bound
    return KeyFigure(
        "Automatic errors",
        percent(None) if bound is None else f"\u2264\u00a0{percent(bound)}",
        f"95\u00a0% bound; {count(result.audit_errors)} wrong of {count(result.audited)} audited "
        f"out of {count(result.audit_population)}",
    )


def _model_figure(result: RoundResult) -> KeyFigure:
    gold = result.gold
    outcome = "promoted" if result.promoted else "not promoted"
    title = f"Model {result.model_version}, {outcome}"
    if gold is None:
        return KeyFigure(title, dice(None), "no gold masks to measure it")
    against = ""
    if gold.champion_mean_dice is not None:
        gained = change(gold.mean_dice - gold.champion_mean_dice)
        against = f"; {gained} against the champion"
    meaning = f"mean Dice on gold, {count(gold.patients)} patients{against}"
    return KeyFigure(title, dice(gold.mean_dice), meaning)


def decided(result: RoundResult) -> str:
    """Decisions by action in words: ``4,102 keep, 210 replace``."""
    return ", ".join(
        f"{count(result.decisions[action])} {name(action)}"
        for action in Action
        if result.decisions.get(action)
    )
