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
    col = pl.col
    unknown = col("state") == State.UNKNOWN.value
    keep, current, predicted = Action.KEEP, Candidate.CURRENT, Candidate.PREDICTION
    # A critic that saw the annotation cannot convict it: people decide instead (section 1.4).
    replace = Action.REPLACE if out_of_fold else Action.REVIEW
    impute = Action.IMPUTE if out_of_fold else Action.KEEP
    may_replace = (col("reliability") >= settings.replace_reliability) & (
        col("gain") >= settings.replace_gain
    )
    may_impute = col("reliability") >= settings.impute_reliability
    against_current, against_prediction = col("against_current"), col("against_prediction")
    believable = (against_prediction < FAULT) | (against_prediction <= against_current)

    def rule(when: pl.Expr, action: Action, candidate: Candidate, reason: str) -> Rule:
        return Rule(when=when, action=action, candidate=candidate, reason=reason)

    return (
        rule(col("gold").is_not_null(), keep, current, "gold is trusted"),
        rule(col("origin") == Origin.HUMAN.value, keep, current, "a reader has decided"),
        rule(col("layer") == Layer.LESIONS.value, keep, current, "lesions are left to readers"),
        rule(unknown & ~col("predicted"), keep, current, "unknown, and nothing is predicted"),
        rule(
            unknown & may_impute & (against_prediction < FAULT),
            impute,
            predicted,
            "unknown, and the prediction is plausible",
        ),
        rule(unknown, keep, current, "unknown, and the prediction is not sure enough"),
        rule(
            col("dice").fill_null(1.0) >= settings.same_dice,
            keep,
            current,
            "both masks say the same",
        ),
        rule(~col("suspicious"), keep, current, "agreement is as usual for this structure"),
        rule(
            may_replace & believable & (against_current > 0),
            replace,
            predicted,
            "the annotation is implausible and the prediction is not",
        ),
        rule(
            may_replace & believable,
            replace,
            predicted,
            "the annotation disagrees with a plausible prediction far more than usual",
        ),
        rule(
            pl.lit(value=True), Action.REVIEW, current, "the signs do not say which mask is right"
        ),
    )


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
