"""What the expert says of one annotation, and on what its say rests, in words."""

from __future__ import annotations

from scalemai_core.page.draw.number import count, percent, probability
from scalemai_core.page.judgement.explanation import Explanation, first_upper
from scalemai_core.page.judgement.usual import Row
from scalemai_core.records.annotation import State
from scalemai_core.records.expert import Family


def expert_words(told: Explanation) -> str:
    """The Dice it expects of both masks, and who wins."""
    row, settings = told.row, told.settings.expert
    if told.expert.source == "none":
        return "**The expert** abstains: it had too few patients to learn from."
    rival, decide = told.rival, told.settings.decide
    good = settings.good_dice_of.get(row["structure"], settings.good_dice)
    if row["state"] == State.UNKNOWN.value:
        return (
            f"**The expert** expects {rival} to have a Dice to the truth of "
            f"{_expected(row, 'rival')}; it is good ({good:.2f} or more) with probability "
            f"{probability(row['quality_rival'])} ({probability(decide.impute_quality)} is "
            "needed to fill it in)."
        )
    made = f" ({told.repair})" if told.repair else ""
    doubted = row["quality_current"] < decide.keep_quality
    needed = settings.decisive if doubted else settings.decisive_over_good
    return (
        f"**The expert** expects a Dice to the truth of {_expected(row, 'current')} for the "
        f"current mask and {_expected(row, 'rival')} for {rival}{made}. The current mask is good "
        f"(Dice {good:.2f} or more) with probability {probability(row['quality_current'])}, "
        f"{rival} with {probability(row['quality_rival'])}. {first_upper(rival)} is the better one "
        f"with probability {probability(row['better'])} ({probability(needed)} is needed); taking "
        f"it should gain {row['gain']:+.2f} Dice ({decide.replace_gain:+.2f} is needed)."
    )


def _expected(row: Row, side: str) -> str:
    return f"{row[f'score_{side}']:.2f} (\u00b1\u00a0{row[f'error_{side}']:.2f})"


def licence_words(told: Explanation) -> str:
    """Whether the expert may act on this kind of structures, and on what that rests."""
    if told.expert.source == "none":
        return ""
    kind = str(told.row["kind"]).replace("_", " ")
    may = "may act" if told.row["enabled"] else "may not act"
    family = next((f for f in told.expert.families if f.kind == told.row["kind"]), None)
    if family is None:
        return f"**It {may}** on the kind '{kind}': there was no pair of masks to try it on."
    return f"**It {may}** on the kind '{kind}': {_proof(family, told)}"


def _proof(family: Family, told: Explanation) -> str:
    gold = told.expert.source == "gold"
    settings = told.settings.expert
    needed = settings.enable_accuracy if gold else settings.stand_in_accuracy
    whom = "trusted patients" if gold else "patients whose agreeing masks stood in for gold"
    return (
        f"tried on {family.patients} {whom} that it had not learned from, it told which of two "
        f"masks is better in {percent(family.coverage)} of {count(family.pairs)} pairs and was "
        f"right in {percent(family.accuracy)} of these, at least {percent(family.low)} with 95 % "
        f"confidence ({probability(needed)} is needed)."
    )
