"""A round's numbers out of its decisions, verdicts and scores."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Action
from scalemai_core.records.evidence import Evidence
from scalemai_core.records.review import Verdict
from scalemai_core.records.round import TruthScore

FAULTY_DICE = 0.8
WORSE_BY = 0.05
AUTOMATIC = [Action.REPLACE.value, Action.IMPUTE.value, Action.SET_ABSENT.value]
KEY = ["scan_id", "structure"]


def automatic(decisions: pl.DataFrame, verdicts: Sequence[Verdict]) -> pl.DataFrame:
    """Decisions that changed a mask without a person having seen it."""
    seen = pl.DataFrame(
        [(v.scan_id, v.structure) for v in verdicts],
        schema={"scan_id": pl.String, "structure": pl.String},
        orient="row",
    )
    return decisions.filter(pl.col("action").is_in(AUTOMATIC)).join(seen, on=KEY, how="anti")


def score_truth(scores: pl.DataFrame, verdicts: Sequence[Verdict]) -> TruthScore | None:
    """Label quality before and after, with the part that no person touched told apart.

    ``scores`` has a row a mask: dice_before, dice_after, known_before, known_after, held. A mask
    that was unknown counts from when it is known, with what it was imputed to.
    """
    if not scores.height:
        return None
    known = scores.filter(pl.col("known_before"))
    seen = pl.DataFrame(
        [(v.scan_id, v.structure, True) for v in verdicts],
        schema={"scan_id": pl.String, "structure": pl.String, "seen": pl.Boolean},
        orient="row",
    ).unique()
    rows = known.join(seen, on=KEY, how="left")
    before, after = pl.col("dice_before"), pl.col("dice_after")
    alone = pl.when(pl.col("seen")).then(before).otherwise(after)
    numbers = rows.select(
        masks=pl.len(),
        mean_dice_before=before.mean(),
        mean_dice_automatic=alone.mean(),
        mean_dice_after=after.mean(),
        under_80_before=(before < FAULTY_DICE).mean(),
        under_80_after=(after < FAULTY_DICE).mean(),
        faulty=(before < FAULTY_DICE).sum(),
        corrected=((before < FAULTY_DICE) & (after >= FAULTY_DICE)).sum(),
        made_worse=(pl.col("seen").is_null() & (after < before - WORSE_BY)).sum(),
        held=pl.col("held").sum(),
    )
    return TruthScore.model_validate(numbers.row(0, named=True))


def with_truth(decisions: pl.LazyFrame, scores: pl.DataFrame) -> pl.LazyFrame:
    """Decisions with ``dice_before`` and ``dice_after`` to the truth.

    Null where no truth was given, and while a mask is unknown.
    """
    names = ("before", "after")
    if not scores.height:
        return decisions.with_columns(
            pl.lit(None, dtype=pl.Float64).alias(f"dice_{name}") for name in names
        )
    known = scores.select(
        *KEY,
        *(pl.when(f"known_{name}").then(f"dice_{name}").alias(f"dice_{name}") for name in names),
    )
    return decisions.join(known.lazy(), on=KEY, how="left")


def own(decisions: pl.DataFrame) -> pl.LazyFrame:
    """What the engine decides on: gold left out.

    Lazy, so that of millions of rows only those columns are copied that are asked for.
    """
    return decisions.lazy().filter(pl.col("gold").is_null())


def known() -> pl.Expr:
    """A mask exists: its state is not unknown."""
    return pl.col("state") != State.UNKNOWN.value


def counts() -> list[pl.Expr]:
    """Annotations by action, a column each."""
    return [(pl.col("action") == action.value).sum().alias(action.value) for action in Action]


def by_structure(decisions: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """The report's table: decisions, quality, usual agreement and truth per structure."""
    return (
        with_truth(own(decisions), scores)
        .group_by("structure")
        .agg(
            pl.len().alias("masks"),
            pl.col("dice").median().alias("agreement"),
            pl.col("quality_current").filter(known()).mean().alias("quality"),
            *counts(),
            pl.col("dice_before").mean().alias("truth_before"),
            pl.col("dice_after").mean().alias("truth_after"),
        )
        .collect()
    )


def by_rule(decisions: pl.DataFrame, scores: pl.DataFrame, keep_quality: float) -> pl.DataFrame:
    """The report's findings: how often each rule bit on an annotation, with an example.

    ``doubtful`` of them had a quality below ``keep_quality``; of ``compared`` with the truth
    ``wrong`` were faulty.
    """
    # Rules bite together in some hundred ways: counted by these, no mask has a row a rule.
    together = (
        with_truth(own(decisions), scores)
        .filter(pl.col("findings_current") != "")
        .group_by("findings_current")
        .agg(
            masks=pl.len(),
            doubtful=(known() & (pl.col("quality_current") < keep_quality)).sum(),
            compared=pl.col("dice_before").count(),
            wrong=(pl.col("dice_before") < FAULTY_DICE).sum(),
            scan=pl.col("scan_id").min(),
            example=pl.col("message").get(pl.col("scan_id").arg_min()),
        )
    )
    once = pl.col("findings_current").is_first_distinct()  # a rule may bite twice on a mask
    return (
        together.with_columns(rule=pl.col("findings_current").str.split(","))
        .explode("rule")
        .group_by("rule")
        .agg(
            pl.col("masks").sum().alias("findings"),
            pl.col("masks").filter(once).sum(),
            pl.col("doubtful", "compared", "wrong").sum(),
            pl.col("example").sort_by("scan").first(),
        )
        .sort("findings", "rule", descending=[True, False])
        .collect()
    )


def count_rules(decisions: pl.DataFrame) -> dict[str, int]:
    """Findings on current annotations, by rule, the most frequent first."""
    found = by_rule(decisions, pl.DataFrame(), keep_quality=0.0)
    return dict(found.select("rule", "findings").iter_rows())


def mean_agreement(decisions: pl.DataFrame) -> float:
    """Mean Dice of present annotations and predictions; 0 where there are none."""
    present = own(decisions).filter(pl.col("state") == State.PRESENT.value)
    return present.select(pl.col("dice").mean()).collect().item() or 0.0


def mean_evidence(decisions: pl.DataFrame) -> dict[str, float]:
    """Means over the annotations that the model has a channel for; without what none has."""
    means = own(decisions).select(pl.col(name).mean() for name in Evidence.model_fields)
    found = zip(Evidence.model_fields, means.collect().row(0), strict=True)
    return {name: mean for name, mean in found if mean is not None}
