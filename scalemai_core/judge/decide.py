"""From judgements to decisions: the whole policy as one table.

A judgement is suspicious where annotation and prediction agree less than they usually do for that
structure. Which of the two is at fault is read from the signs against each: verifier findings and a
volume far from the population's (method reference, sections 1.4 and 1.5 F). What the signs do not
settle goes to people, and what people have no time for is put on hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from scalemai_core.records.annotation import Origin, State
from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.label_map import Layer
from scalemai_core.records.scan import GoldRole
from scalemai_core.settings import DecideSettings

MAD_TO_SD = 1.4826
MIN_DICE_SD = 0.03
"""Structures never agree more regularly than this; keeps the outlier rule from biting at noise."""
MIN_LOG_VOLUME_SD = 0.15
"""Healthy volumes vary by at least 15 %."""
MAX_VOLUME_Z = 3.5
MIN_FOR_USUAL = 5
"""Masks a structure needs before its usual agreement and volume mean anything."""
MIN_GOLD = 3


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
    may_replace = col("reliability") >= settings.replace_reliability
    may_impute = col("reliability") >= settings.impute_reliability
    against_current, against_prediction = col("against_current"), col("against_prediction")

    def rule(when: pl.Expr, action: Action, candidate: Candidate, reason: str) -> Rule:
        return Rule(when=when, action=action, candidate=candidate, reason=reason)

    return (
        rule(col("gold").is_not_null(), keep, current, "gold is trusted"),
        rule(col("origin") == Origin.HUMAN.value, keep, current, "a reader has decided"),
        rule(col("layer") == Layer.LESIONS.value, keep, current, "lesions are left to readers"),
        rule(unknown & ~col("predicted"), keep, current, "unknown, and nothing is predicted"),
        rule(
            unknown & may_impute & (against_prediction == 0),
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
        rule(
            ~col("suspicious") & (col("faults_current") == 0),
            keep,
            current,
            "agreement is as usual for this structure",
        ),
        rule(
            (against_prediction > 0) & (against_current == 0),
            keep,
            current,
            "the prediction is the implausible one",
        ),
        rule(
            may_replace & (against_prediction == 0) & (against_current > 0),
            replace,
            predicted,
            "the annotation is implausible and the prediction is not",
        ),
        rule(
            may_replace & (against_prediction == 0) & col("suspicious"),
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
    ``gain`` is the Dice a person's answer is expected to add, which orders the review queue.
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
    gain = (pl.col("usual_dice").fill_null(0.5) - pl.col("dice").fill_null(0.0)).clip(0.0, 1.0)
    return (
        signs(judgements, settings)
        .with_columns(rule=number, gain=gain)
        .join(outcome, on="rule", how="left", maintain_order="left")
        .with_columns(quality=_worth())
        .drop("rule")
    )


def _worth() -> pl.Expr:
    """What a mask is worth against a neighbour that claims the same voxel, in [0, 1]."""
    taken = pl.col("action").is_in([Action.REPLACE.value, Action.IMPUTE.value])
    doubtful = pl.col("action") == Action.REVIEW.value
    return (
        pl.when(taken)
        .then(pl.col("reliability"))
        .when(doubtful)
        .then(0.2)
        .otherwise(pl.col("dice").fill_null(0.5))
    )


def signs(judgements: pl.DataFrame, settings: DecideSettings) -> pl.DataFrame:
    """Add what the population tells: usual agreement, reliability, signs against each mask."""
    frame = judgements.join(_usual(judgements), on="structure", how="left").join(
        _reliability(judgements), on="structure", how="left"
    )
    limit = pl.col("usual_dice") - settings.outlier_mads * pl.col("dice_sd")
    odd_current, odd_prediction = _odd_volume("current"), _odd_volume("prediction")
    lost = (pl.col("volume_ml_current") > 0) & ~pl.col("predicted")
    return frame.with_columns(
        predicted=pl.col("volume_ml_prediction") > 0,
    ).with_columns(
        reliability=pl.coalesce("gold_dice", "usual_dice").fill_null(0.0),
        suspicious=(pl.col("dice") < limit).fill_null(value=False),
        against_current=2 * pl.col("faults_current") + pl.col("doubts_current") + odd_current,
        against_prediction=2 * pl.col("faults_prediction")
        + pl.col("doubts_prediction")
        + odd_prediction
        + 2 * lost.cast(pl.Int32),
    )


def spend_budget(
    decisions: pl.DataFrame, *, allowance: int, audits: int, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split what wants review into what people will see and what is put on hold.

    ``allowance`` masks may be opened, ``audits`` of them a random sample of automatic decisions.
    Returns the decisions, with ``hold`` where the budget ended, and the items: scan, structure,
    kind, priority, reason.
    """
    automatic = decisions.filter(
        pl.col("action").is_in([Action.REPLACE.value, Action.IMPUTE.value])
    ).sort("scan_id", "structure")
    audited = automatic.sample(min(audits, allowance, automatic.height), seed=seed, shuffle=True)
    wanted = decisions.filter(pl.col("action") == Action.REVIEW.value).sort(
        ["gain", "scan_id", "structure"], descending=[True, False, False]
    )
    seen = wanted.head(max(allowance - audited.height, 0))
    items = pl.concat(
        [
            seen.with_columns(kind=pl.lit("choose"), priority="gain"),
            audited.with_columns(kind=pl.lit("audit"), priority=pl.lit(0.0)),
        ]
    ).select("scan_id", "structure", "kind", "priority", "reason")
    held = wanted.tail(wanted.height - seen.height).select(
        "scan_id", "structure", held=pl.lit(value=True)
    )
    decided = decisions.join(held, on=["scan_id", "structure"], how="left").with_columns(
        action=pl.when(pl.col("held")).then(pl.lit(Action.HOLD.value)).otherwise("action")
    )
    return decided.drop("held"), items


def allowance(*, masks: int, opened: int, settings: DecideSettings) -> int:
    """Masks people may still open in this round: the sum over rounds stays in the budget."""
    left = int(settings.budget * masks) - opened
    return max(int(left * settings.round_share), 0)


def _usual(judgements: pl.DataFrame) -> pl.DataFrame:
    """Robust centre and spread of agreement and log volume per structure, faults and all."""
    labelled = judgements.filter(
        (pl.col("state") == State.PRESENT.value) & pl.col("gold").is_null() & (pl.col("dice") > 0)
    )
    whole = ~(pl.col("at_border_current") | pl.col("at_border_prediction"))
    log_volume = pl.col("volume_ml_current").log()
    centre = labelled.group_by("structure").agg(
        usual_dice=pl.col("dice").median(),
        usual_log_volume=log_volume.filter(whole & (pl.col("volume_ml_current") > 0)).median(),
        masks=pl.len(),
    )
    spread = (
        labelled.join(centre, on="structure")
        .group_by("structure")
        .agg(
            dice_sd=(pl.col("dice") - pl.col("usual_dice")).abs().median() * MAD_TO_SD,
            volume_sd=(log_volume - pl.col("usual_log_volume")).filter(whole).abs().median()
            * MAD_TO_SD,
        )
    )
    return (
        centre.join(spread, on="structure")
        .filter(pl.col("masks") >= MIN_FOR_USUAL)
        .drop("masks")
        .with_columns(
            dice_sd=pl.col("dice_sd").clip(lower_bound=MIN_DICE_SD),
            volume_sd=pl.col("volume_sd").clip(lower_bound=MIN_LOG_VOLUME_SD),
        )
    )


def _reliability(judgements: pl.DataFrame) -> pl.DataFrame:
    """What the model reaches on gold ``fit``; the other roles are never looked at here."""
    return (
        judgements.filter((pl.col("gold") == GoldRole.FIT.value) & pl.col("dice").is_not_null())
        .group_by("structure")
        .agg(gold_dice=pl.col("dice").median(), gold_masks=pl.len())
        .filter(pl.col("gold_masks") >= MIN_GOLD)
        .drop("gold_masks")
    )


def _odd_volume(which: str) -> pl.Expr:
    """1 where a whole (not cut) structure's volume is far from the population's, else 0."""
    z = (pl.col(f"volume_ml_{which}").log() - pl.col("usual_log_volume")) / pl.col("volume_sd")
    odd = (z.abs() > MAX_VOLUME_Z) & (pl.col(f"volume_ml_{which}") > 0)
    small_only = pl.col(f"at_border_{which}") & (z < 0)
    return (odd & ~small_only).fill_null(value=False).cast(pl.Int32)


def count_actions(
    decisions: pl.DataFrame, actions: Sequence[Action] = tuple(Action)
) -> dict[str, int]:
    """Annotations by action, every action named."""
    counts = dict(decisions.group_by("action").len().iter_rows())
    return {action.value: int(counts.get(action.value, 0)) for action in actions}
