"""Decisions against what was said before them, and against what truth and people say of them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from scalemai_core.judge.decisions.tally import (
    AUTOMATIC,
    FAULTY_DICE,
    KEY,
    WORSE_BY,
    counts,
    known,
    own,
    with_truth,
)
from scalemai_core.records.decision import Candidate
from scalemai_core.records.review import ItemKind, Verdict

GOOD, DOUBTFUL, UNKNOWN = "good", "doubtful", "unknown"
"""What the judgement says of a mask, by its quality; an unknown annotation has none."""
SAID = pl.Enum([GOOD, DOUBTFUL, UNKNOWN])

EVEN = 0.5
"""Probability from which on the expert holds the other mask better."""

TOUCHED = "touched"
"""An audited mask that no decision named: a neighbour's change took or left it voxels."""


def by_judgement(
    decisions: pl.DataFrame, scores: pl.DataFrame, keep_quality: float
) -> pl.DataFrame:
    """What the judgement said of masks, against what was done with them.

    A row for each of ``said`` (good from ``keep_quality`` on, doubtful, unknown) and ``found``
    (whether a rule bit); columns masks, quality (mean), one count an action, ``compared`` (masks
    with a truth) and ``wrong`` (those of them that were faulty before the round).
    """
    good = pl.col("quality_current") >= keep_quality
    said = pl.when(~known()).then(pl.lit(UNKNOWN)).when(good).then(pl.lit(GOOD))
    return (
        with_truth(own(decisions), scores)
        .with_columns(
            said=said.otherwise(pl.lit(DOUBTFUL)).cast(SAID),
            found=pl.col("findings_current") != "",
        )
        .group_by("said", "found")
        .agg(
            pl.len().alias("masks"),
            pl.col("quality_current").filter(known()).mean().alias("quality"),
            *counts(),
            pl.col("dice_before").count().alias("compared"),
            (pl.col("dice_before") < FAULTY_DICE).sum().alias("wrong"),
        )
        .sort("said", "found")
        .collect()
    )


def by_truth(decisions: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """What became of masks, by action, where the truth is known.

    Columns: action, masks, wrong_before and wrong_after (faulty ones), better and worse (Dice to
    the truth changed by more than 0.05), dice_before and dice_after (means). Null before where the
    masks were unknown.
    """
    before, after = pl.col("dice_before"), pl.col("dice_after")
    was_known = before.count() > 0
    return (
        with_truth(own(decisions), scores)
        .filter(after.is_not_null())
        .group_by("action")
        .agg(
            masks=pl.len(),
            wrong_before=pl.when(was_known).then((before < FAULTY_DICE).sum()),
            wrong_after=(after < FAULTY_DICE).sum(),
            better=pl.when(was_known).then((after > before + WORSE_BY).sum()),
            worse=pl.when(was_known).then((after < before - WORSE_BY).sum()),
            dice_before=before.mean(),
            dice_after=after.mean(),
        )
        .sort("masks", "action", descending=[True, False])
        .collect()
    )


def by_people(
    decisions: pl.DataFrame, items: pl.DataFrame, verdicts: Sequence[Verdict]
) -> pl.DataFrame:
    """What people said, against what the engine said, by the reason of the question.

    Columns: kind (choose or audit), reason (in an audit the action that was audited), answers,
    ``current``, ``other`` and ``drawn`` (whose mask they took), ``chosen`` (answers that took one
    of the two masks shown) and ``agreed`` (those that took the one the expert held better).
    """
    said = pl.DataFrame(
        [(verdict.scan_id, verdict.structure, verdict.choice.value) for verdict in verdicts],
        schema={"scan_id": pl.String, "structure": pl.String, "choice": pl.String},
        orient="row",
    )
    audit = pl.col("kind") == ItemKind.AUDIT.value
    changed = pl.col("action").is_in(AUTOMATIC)
    current = pl.col("choice") == Candidate.CURRENT.value
    drawn = pl.col("choice") == Candidate.READER.value
    decided = decisions.select(*KEY, "action", "better").join(said, on=KEY, how="semi")
    # An audit shows what the engine made of a mask: it held that one better.
    other_expected = audit | (pl.col("better") >= EVEN)
    return (
        items.select(*KEY, "kind", "reason")
        .join(said, on=KEY)
        .join(decided, on=KEY, how="left")
        .with_columns(
            reason=pl.when(audit & changed)
            .then("action")
            .when(audit)
            .then(pl.lit(TOUCHED))
            .otherwise("reason")
        )
        .group_by("kind", "reason")
        .agg(
            answers=pl.len(),
            current=current.sum(),
            other=(~current & ~drawn).sum(),
            drawn=drawn.sum(),
            chosen=(~drawn).sum(),
            agreed=(~drawn & (current != other_expected)).sum(),
        )
        .sort("kind", "answers", "reason", descending=[True, True, False])
    )
