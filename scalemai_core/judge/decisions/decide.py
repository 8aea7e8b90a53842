"""From appraisals to decisions: the whole policy as one table.

What the expert does not settle goes to people, and what people have no time for is put on hold
(method reference, section 1.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from scalemai_core.records.annotation import Origin, State
from scalemai_core.records.decision import Action
from scalemai_core.records.label_map import Layer
from scalemai_core.records.opinion import Preference
from scalemai_core.settings.judgement import DecideSettings, ExpertSettings

CURRENT, RIVAL = "current", "rival"
EVEN = 0.5
"""Probability at which an expert leans to neither mask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the decision table: the first whose condition holds decides."""

    when: pl.Expr
    action: Action
    takes: str
    """The current mask, or the rival: the prediction or a proposal."""
    otherwise: Action
    """What becomes of a question that nobody has time for."""
    reason: str


def decision_table(
    settings: DecideSettings, expert: ExpertSettings, *, out_of_fold: bool
) -> tuple[Rule, ...]:
    """The policy, top to bottom. Expressions speak of the columns that ``appraise`` adds."""
    unknown = pl.col("state") == State.UNKNOWN.value
    # A critic that saw the annotation cannot convict it: people decide instead (section 1.4).
    may_act = pl.col("enabled") & out_of_fold
    says_same = pl.col("dice").fill_null(1.0) >= settings.same_dice
    not_doubtful = pl.col("quality_current") >= settings.keep_quality
    needed = pl.when(not_doubtful).then(expert.decisive_over_good).otherwise(expert.decisive)
    gains = pl.col("gain") >= settings.replace_gain
    wins = (pl.col("better") >= needed) & gains
    agreed = (pl.col("second") == RIVAL).fill_null(value=False)
    seconded = (pl.col("better") > EVEN) & gains & agreed
    # Stand-ins tell good masks; how poor ones compare they never showed.
    by_gold = pl.col("taught") == "gold"
    good_rival = pl.col("quality_rival") >= settings.keep_quality
    fills = pl.col("quality_rival") >= settings.impute_quality
    seen = pl.col("volume_ml_prediction") > 0
    return (
        _keep(pl.col("gold").is_not_null(), "gold is trusted"),
        _keep(pl.col("origin") == Origin.HUMAN.value, "a reader has decided"),
        _keep(pl.col("layer") == Layer.LESIONS.value, "lesions go their own way"),
        _keep(unknown & ~seen, "unknown, and nothing is predicted"),
        _take(unknown & fills & may_act, Action.IMPUTE, "unknown, and the prediction is good"),
        _keep(unknown, "unknown, and the prediction is not sure enough"),
        _keep(says_same & not_doubtful, "both masks say the same"),
        _take(
            wins & good_rival & may_act,
            Action.REPLACE,
            "another mask is surely better, and good",
        ),
        _ask(
            wins & may_act & by_gold & ~not_doubtful,
            RIVAL,
            Action.REPLACE,
            "another mask is surely better, but not good",
        ),
        _keep(not_doubtful, "the mask is good"),
        _take(
            seconded & good_rival & may_act,
            Action.REPLACE,
            "both experts lean to another mask, and it is good",
        ),
        _ask(wins, CURRENT, Action.HOLD, "another mask seems better where the expert is unproven"),
        _ask(pl.lit(value=True), CURRENT, Action.HOLD, "no mask is surely good"),
    )


def _keep(when: pl.Expr, reason: str) -> Rule:
    return Rule(when=when, action=Action.KEEP, takes=CURRENT, otherwise=Action.KEEP, reason=reason)


def _take(when: pl.Expr, action: Action, reason: str) -> Rule:
    return Rule(when=when, action=action, takes=RIVAL, otherwise=action, reason=reason)


def _ask(when: pl.Expr, takes: str, otherwise: Action, reason: str) -> Rule:
    return Rule(when=when, action=Action.REVIEW, takes=takes, otherwise=otherwise, reason=reason)


def decide(
    appraised: pl.DataFrame,
    settings: DecideSettings,
    expert: ExpertSettings,
    *,
    out_of_fold: bool,
) -> pl.DataFrame:
    """One decision an annotation: columns ``action``, ``otherwise``, ``candidate``,
    ``candidate_map``, ``reason`` and ``quality`` (of the mask that the decision leaves).

    ``appraised`` also has ``gold``, ``origin`` and ``layer``, and, where a second expert was asked,
    ``second``: what it prefers. An empty rival that wins makes the structure absent.
    """
    if "second" not in appraised.columns:
        appraised = appraised.with_columns(second=pl.lit(None, dtype=pl.String))
    table = decision_table(settings, expert, out_of_fold=out_of_fold)
    number = pl.coalesce(
        *[pl.when(rule.when).then(pl.lit(i, dtype=pl.Int32)) for i, rule in enumerate(table)]
    )
    outcome = pl.DataFrame(
        {
            "rule": pl.Series(range(len(table)), dtype=pl.Int32),
            "action": [rule.action.value for rule in table],
            "otherwise": [rule.otherwise.value for rule in table],
            "takes": [rule.takes for rule in table],
            "reason": [rule.reason for rule in table],
        }
    )
    decided = appraised.with_columns(rule=number).join(
        outcome, on="rule", how="left", maintain_order="left"
    )
    rival = pl.col("takes") == RIVAL
    return decided.with_columns(
        candidate=pl.when(rival).then("rival").otherwise(pl.lit(CURRENT)),
        candidate_map=pl.when(rival).then("rival_map"),
        reason=pl.concat_str("reason", _second_says(), ignore_nulls=True),
        quality=pl.when(rival).then("quality_rival").otherwise("quality_current"),
        action=_empty_is_absent("action"),
        otherwise=_empty_is_absent("otherwise"),
    ).drop("rule", "takes")


def _second_says() -> pl.Expr:
    """Words for the person who is asked; null where there is nothing to add."""
    said = (
        pl.col("second")
        .cast(pl.String)
        .replace_strict(
            {
                Preference.CURRENT.value: "; the second expert prefers the present mask",
                Preference.RIVAL.value: "; the second expert prefers the other mask",
                Preference.ABSTAINS.value: "; the second expert abstains",
            },
            default=None,
            return_dtype=pl.String,
        )
    )
    return pl.when(pl.col("action") == Action.REVIEW.value).then(said)


def _empty_is_absent(column: str) -> pl.Expr:
    """To replace a mask by an empty prediction is to say that the structure is not there."""
    predicted = (pl.col("rival") == "prediction") & (pl.col("volume_ml_prediction") == 0)
    replaced = pl.col(column) == Action.REPLACE.value
    absent = pl.lit(Action.SET_ABSENT.value)
    return pl.when(replaced & predicted).then(absent).otherwise(column).alias(column)


def count_actions(
    decisions: pl.DataFrame, actions: Sequence[Action] = tuple(Action)
) -> dict[str, int]:
    """Annotations by action, every action named."""
    counts = dict(decisions.group_by("action").len().iter_rows())
    return {action.value: int(counts.get(action.value, 0)) for action in actions}
