"""What every annotation and its candidates are worth: scores, qualities, and who would win."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scalemai_core.judge.expert.expert import SIDES, Expert, thresholds
from scalemai_core.judge.expert.prior import fault_priors, shifted
from scalemai_core.judge.expert.score import Estimate
from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Candidate
from scalemai_core.settings.judgement import ExpertSettings
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy

Floats = NDArray[np.float64]

DRAWN_DICE = 0.98
"""What a mask is worth that a person has drawn. Ours."""

KEY = ["scan_id", "structure"]
PREDICTED = "prediction"
"""Source of masks that a model made."""

WORTH = tuple(f"{what}_{side.value}" for side in SIDES for what in ("score", "error", "quality"))
_KINDS = {structure.name: structure.kind.value for structure in load_taxonomy().structures}


@dataclass(frozen=True, slots=True, eq=False)
class Appraisal:
    """One row an annotation, some scans at a time and again and again.

    To the columns of the judgements are added: score_*, error_*, quality_* (current, prediction),
    ``rival`` (the candidate that competes), ``rival_map``, ``score_rival``, ``quality_rival``,
    ``third``, ``third_map``, ``better`` (P(rival better)), ``enabled``, ``taught`` (gold, stand-in
    or none), ``gain``, ``review_gain``, ``seconds``.
    """

    judgements: Iterable[pl.DataFrame]
    worth: pl.DataFrame
    """Scores, errors and qualities of both sides, a row a judgement in their order."""
    expert: Expert
    review: ReviewSettings

    def __iter__(self) -> Iterator[pl.DataFrame]:
        start = 0
        for rows in self.judgements:
            worth = self.worth.slice(start, rows.height).cast({"kind": pl.String})
            yield self._appraised(rows.hstack(worth))
            start += rows.height

    def _appraised(self, rows: pl.DataFrame) -> pl.DataFrame:
        current = pl.col("candidate") == Candidate.CURRENT.value
        table = _with_rivals(rows.filter(current), rows.filter(~current))
        ahead = _estimate(table, "rival").beyond(_estimate(table, "current"))
        return (
            table.with_columns(
                better=pl.Series(self.expert.better(ahead)),
                enabled=pl.col("kind").is_in(self.expert.enabled),
                taught=pl.lit(self.expert.report.source),
            )
            .with_columns(gain=pl.col("score_rival") - pl.col("score_current"))
            .with_columns(*_review(self.review))
        )


def appraise(
    judgements: Iterable[pl.DataFrame],
    expert: Expert,
    answers: pl.DataFrame,
    settings: ExpertSettings,
    review: ReviewSettings,
) -> Appraisal:
    """What every annotation is worth, and the best other mask.

    ``judgements``, some scans at a time, have the columns of the judgement and evidence records,
    ``origin``, ``source`` (whose mask it is), ``quality_when_taken`` (of a model's mask) and
    ``proposal_map``; proposals (``candidate`` other than current) are rows of their own and become
    candidates of their annotation. ``answers`` are people's findings on masks of earlier rounds:
    source, structure, faulty.
    """
    # Millions of rows: of the judgements only what the shares of faults need is held at once.
    scored = pl.concat([_scored(rows, expert, settings) for rows in judgements])
    worth = _qualified(scored, expert, answers, settings)
    return Appraisal(judgements, worth.select("kind", *WORTH), expert, review)


def _scored(rows: pl.DataFrame, expert: Expert, settings: ExpertSettings) -> pl.DataFrame:
    """Scores of both sides with their errors, and P(good) at the share that was practised on."""
    threshold = thresholds(rows["structure"], settings)
    columns: dict[str, Floats] = {}
    with ThreadPoolExecutor(len(SIDES)) as pool:
        estimates = pool.map(partial(expert.estimate, rows), SIDES)
    for side, estimate in zip(SIDES, estimates, strict=True):
        columns[f"score_{side.value}"] = estimate.dice
        columns[f"error_{side.value}"] = estimate.error
        columns[f"quality_{side.value}"] = expert.good(estimate.above(threshold))
    own = pl.col("candidate") == Candidate.CURRENT.value
    return rows.select(
        # Names as numbers: millions of rows hold them.
        pl.col("structure", "source").cast(pl.Categorical),
        kind=_kind().cast(pl.Categorical),
        known=pl.col("state") != State.UNKNOWN.value,
        quality_when_taken=pl.when(own).then("quality_when_taken"),
        **{name: pl.Series(values) for name, values in columns.items()},
    )


def _estimate(table: pl.DataFrame, side: str) -> Estimate:
    return Estimate(table[f"score_{side}"].to_numpy(), table[f"error_{side}"].to_numpy())


def _qualified(
    scored: pl.DataFrame, expert: Expert, answers: pl.DataFrame, settings: ExpertSettings
) -> pl.DataFrame:
    """Qualities under the share of faults of each source and structure.

    Annotations and predictions are estimated apart: the expert practised on different shares.
    """
    known = scored["known"].to_numpy()
    predicted = pl.lit(PREDICTED, dtype=pl.Categorical)
    sources = {Candidate.CURRENT: pl.col("source"), Candidate.PREDICTION: predicted}
    columns: list[pl.Series] = []
    for side in SIDES:
        quality = scored[f"quality_{side.value}"].to_numpy().copy()
        used = known if side is Candidate.CURRENT else np.ones(scored.height, dtype=bool)
        masks = scored.filter(pl.Series(used)).select(
            sources[side].alias("source"),
            "kind",
            "structure",
            quality=pl.Series(quality[used]),
            faulty=pl.lit(None, dtype=pl.Boolean),
        )
        priors = _priors(masks, answers, expert.practised[side], settings)
        quality[used] = shifted(quality[used], expert.practised[side], priors)
        columns.append(pl.Series(f"quality_{side.value}", quality))
    # That a model agrees with what its predecessor drew says nothing new in favour of the mask.
    no_better = pl.min_horizontal("quality_current", "quality_when_taken")
    return scored.with_columns(columns).with_columns(quality_current=no_better)


def _priors(
    masks: pl.DataFrame, answers: pl.DataFrame, practised: float, settings: ExpertSettings
) -> Floats:
    """Of the masks at hand; what people answered on masks of the same sources is evidence too."""
    told = answers.filter(pl.col("source").is_in(masks["source"].unique().to_list())).select(
        pl.col("source").cast(pl.Categorical),
        _kind().cast(pl.Categorical).alias("kind"),
        pl.col("structure").cast(pl.Categorical),
        quality=pl.lit(practised),
        faulty="faulty",
    )
    return fault_priors(pl.concat([masks, told]), practised, settings.prior_strength)[
        : masks.height
    ]


def _kind() -> pl.Expr:
    return pl.col("structure").replace_strict(_KINDS, return_dtype=pl.String)


def _with_rivals(own: pl.DataFrame, proposals: pl.DataFrame) -> pl.DataFrame:
    """The best candidate beside the annotation: a proposal where it scores higher, else the
    prediction; the other of the two is the third. A proposal that breaks more rules than the
    annotation is none."""
    broken = own.select(*KEY, broken="faults_current")
    best = (
        proposals.join(broken, on=KEY)
        .filter(pl.col("faults_current") <= pl.col("broken"))
        .sort("score_current", *KEY, "candidate", descending=[True, False, False, False])
        .unique(KEY, keep="first", maintain_order=True)
        .select(
            *KEY,
            proposal="candidate",
            proposal_map="proposal_map",
            score_proposal="score_current",
            error_proposal="error_current",
            quality_proposal="quality_current",
        )
    )
    table = own.drop("proposal_map").join(best, on=KEY, how="left", maintain_order="left")
    proposed = (pl.col("score_proposal") >= pl.col("score_prediction")).fill_null(value=False)

    def chosen(proposal: pl.Expr, prediction: pl.Expr) -> pl.Expr:
        return pl.when(proposed).then(proposal).otherwise(prediction)

    return table.with_columns(
        rival=chosen(pl.col("proposal"), pl.lit(Candidate.PREDICTION.value)),
        rival_map=chosen(pl.col("proposal_map"), pl.lit(None, dtype=pl.String)),
        score_rival=chosen(pl.col("score_proposal"), pl.col("score_prediction")),
        error_rival=chosen(pl.col("error_proposal"), pl.col("error_prediction")),
        quality_rival=chosen(pl.col("quality_proposal"), pl.col("quality_prediction")),
        third=chosen(pl.lit(Candidate.PREDICTION.value), pl.col("proposal")),
        third_map=chosen(pl.lit(None, dtype=pl.String), pl.col("proposal_map")),
    ).drop("proposal", "proposal_map", "score_proposal", "error_proposal", "quality_proposal")


def _review(review: ReviewSettings) -> tuple[pl.Expr, ...]:
    """What a person's look is expected to add in Dice, and the seconds it takes (section 1.6).

    The reader takes the better mask where one is good, and draws where none is.
    """
    current, rival = pl.col("quality_current"), pl.col("quality_rival")
    some_good = 1.0 - (1.0 - current) * (1.0 - rival)
    best = pl.max_horizontal("score_current", "score_rival")
    after = some_good * pl.max_horizontal(best, pl.lit(review.good_dice)) + (
        (1.0 - some_good) * DRAWN_DICE
    )
    return (
        (after - pl.col("score_current")).clip(lower_bound=0.0).alias("review_gain"),
        (review.seconds_choose + (1.0 - some_good) * review.seconds_draw).alias("seconds"),
    )
