"""From judgements to decisions: the whole policy as one table.

What the signs against the two masks do not settle goes to people, and what people have no time for
is put on hold (method reference, section 1.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from scalemai_core.judge.signs import signs
from scalemai_core.records.annotation import Origin, State
from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.label_map import Layer
from scalemai_core.settings import DecideSettings

FAULT = 2
"""Signs that a single finding of severity ``fault`` counts for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the decision table: the first whose condition holds decides."""

    when: pl.Expr
    action: Action
    candidate: Candidate
    reason: str


def decision_table(settings: DecideSettings, *, out_of_fold: bool) -> tuple[Rule, ...]:
    """The policy, top to bottom. Expressions speak of the columns that ``signs`` adds."""
    return (
        _keep(pl.col("gold").is_not_null(), "gold is trusted"),
        _keep(pl.col("origin") == Origin.HUMAN.value, "a reader has decided"),
        _keep(pl.col("layer") == Layer.LESIONS.value, "lesions are left to readers"),
        *_unknown(settings, out_of_fold=out_of_fold),
        *_known(settings, out_of_fold=out_of_fold),
    )


def _unknown(settings: DecideSettings, *, out_of_fold: bool) -> tuple[Rule, ...]:
    """Structures nobody spoke of: filled where the model is good at them."""
    unknown = pl.col("state") == State.UNKNOWN.value
    reliable = pl.col("reliability") >= settings.impute_reliability
    plausible = pl.col("against_prediction") < FAULT
    fill = Rule(
        when=unknown & reliable & plausible,
        action=Action.IMPUTE if out_of_fold else Action.KEEP,
        candidate=Candidate.PREDICTION,
        reason="unknown, and the prediction is plausible",
    )
    return (
        _keep(unknown & ~pl.col("predicted"), "unknown, and nothing is predicted"),
        fill,
        _keep(unknown, "unknown, and the prediction is not sure enough"),
    )


def _known(settings: DecideSettings, *, out_of_fold: bool) -> tuple[Rule, ...]:
    """Annotations: kept where they agree as usual, replaced where the prediction is the better."""
    against_current, against_prediction = pl.col("against_current"), pl.col("against_prediction")
    better = (
        (pl.col("reliability") >= settings.replace_reliability)
        & (pl.col("gain") >= settings.replace_gain)
        & ((against_prediction < FAULT) | (against_prediction <= against_current))
    )

    def replace(when: pl.Expr, reason: str) -> Rule:
        # A critic that saw the annotation cannot convict it: people decide instead (section 1.4).
        action = Action.REPLACE if out_of_fold else Action.REVIEW
        return Rule(when=when, action=action, candidate=Candidate.PREDICTION, reason=reason)

    return (
        _keep(pl.col("dice").fill_null(1.0) >= settings.same_dice, "both masks say the same"),
        _keep(~pl.col("suspicious"), "agreement is as usual for this structure"),
        replace(
            better & (against_current > 0),
            "the annotation is implausible and the prediction is not",
        ),
        replace(better, "the annotation disagrees with a plausible prediction far more than usual"),
        Rule(
            when=pl.lit(value=True),
            action=Action.REVIEW,
            candidate=Candidate.CURRENT,
            reason="the signs do not say which mask is right",
        ),
    )


def _keep(when: pl.Expr, reason: str) -> Rule:
    return Rule(when=when, action=Action.KEEP, candidate=Candidate.CURRENT, reason=reason)


def decide(
    judgements: pl.DataFrame, settings: DecideSettings, *, out_of_fold: bool
) -> pl.DataFrame:
    """One decision a judgement: columns ``action``, ``candidate``, ``reason``, ``gain``,
    ``quality``.

    ``judgements`` has the columns of the judgement record and ``gold``, ``origin`` and ``layer``;
    ``gain`` is the Dice that taking the prediction is expected to add, which orders the review
    queue, and ``quality`` what the decided mask is worth against its neighbours.
    """
    table = decision_table(settings, out_of_fold=out_of_fold)
    number = pl.coalesce(
        *[pl.when(rule.when).then(pl.lit(i, dtype=pl.Int32)) for i, rule in enumerate(table)]
    )
    outcome = pl.DataFrame(
        {
            "rule": pl.Series(range(len(table)), dtype=pl.Int32),
            "action": [rule.action.value for rule in table],
            "candidate": [rule.candidate.value for rule in table],
            "reason": [rule.reason for rule in table],
        }
    )
    taken = pl.col("action").is_in([Action.REPLACE.value, Action.IMPUTE.value])
    quality = pl.when(taken).then("reliability").otherwise("worth")
    return (
        signs(judgements, settings)
        .with_columns(rule=number)
        .join(outcome, on="rule", how="left", maintain_order="left")
        .with_columns(quality=quality)
        .drop("rule")
    )


def count_actions(
    decisions: pl.DataFrame, actions: Sequence[Action] = tuple(Action)
) -> dict[str, int]:
    """Annotations by action, every action named."""
    counts = dict(decisions.group_by("action").len().iter_rows())
    return {action.value: int(counts.get(action.value, 0)) for action in actions}
