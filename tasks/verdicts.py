"""People's answers as the tasks use them: of one round, and of the rounds before."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from scalemai_core.judge.expert.appraisal import PREDICTED
from scalemai_core.records.decision import Candidate
from scalemai_core.records.listed_item import ItemStatus
from scalemai_core.records.review import ItemKind, ReviewItem, Verdict
from scalemai_core.records.review_entry import ReviewEntry
from scalemai_core.records.round import RoundPlan
from scalemai_core.review.ruling import rulings
from scalemai_core.store.catalog import tables
from scalemai_core.store.workspace import Workspace

KEY = ["scan_id", "structure"]
VERDICTS = "verdicts"
"""Table of a round whose review is closed: every answer that was not taken back, and whether it is
the one that ``counts``."""


def close_review(store: Workspace, number: int, items: Sequence[ReviewItem]) -> None:
    """Take no more answers; what was said of the round's questions is settled for good."""
    rows = verdict_rows(items, store.review_log(number).close())
    store.round(number).write(VERDICTS, rows)


def verdict_rows(items: Sequence[ReviewItem], entries: Sequence[ReviewEntry]) -> pl.DataFrame:
    """The table of verdicts. Of an item whose second reader never came, the first answer counts;
    where two differ and nobody decided, none does."""
    rows: list[dict[str, object]] = []
    for ruling in rulings(items, entries).values():
        alone = ruling.answers[:1] if ruling.status is ItemStatus.OPEN else ()
        final = ruling.verdict or next(iter(alone), None)
        rows += [{**said.model_dump(), "counts": said == final} for said in ruling.answers]
    return pl.DataFrame(rows, schema={**tables.VERDICTS, "counts": pl.Boolean})


def verdicts_of_round(
    store: Workspace, plan: RoundPlan, scan_ids: Sequence[str] | None = None
) -> tuple[Verdict, ...]:
    """The answers that count, on some scans or on all; none before the review is closed."""
    return _that_count(store, plan.number, scan_ids)


def _that_count(
    store: Workspace, number: int, scan_ids: Sequence[str] | None = None
) -> tuple[Verdict, ...]:
    rows = _answers_of(store, number).filter("counts").drop("counts").sort("item_id")
    if scan_ids is not None:
        rows = rows.filter(pl.col("scan_id").is_in(list(scan_ids)))
    return tuple(Verdict.model_validate(row) for row in rows.iter_rows(named=True))


def _answers_of(store: Workspace, number: int) -> pl.DataFrame:
    table = store.round(number)
    return table.read(VERDICTS) if table.has(VERDICTS) else verdict_rows((), ())


def masks_opened(store: Workspace, last_round: int) -> int:
    """Distinct masks that people have opened in all rounds up to the last."""
    found = [_answers_of(store, number).select(KEY) for number in range(1, last_round + 1)]
    return pl.concat(found).unique().height if found else 0


def minutes_of_people(store: Workspace, number: int) -> float:
    """Time that people spent on a round: answers, second reads, skips and what they took back."""
    return sum(entry.seconds for entry in store.review_log(number).read()) / 60.0


def answers_before(store: Workspace, plan: RoundPlan) -> pl.DataFrame:
    """What people found in earlier rounds: source (whose mask they were shown), structure, faulty.

    A question shows the mask as it was, an audit shows what the engine made of it.
    """
    found = [_findings(store, number) for number in range(1, plan.number)]
    columns = {"source": pl.String, "structure": pl.String, "faulty": pl.Boolean}
    return pl.concat([pl.DataFrame(schema=columns), *found])


def _findings(store: Workspace, number: int) -> pl.DataFrame:
    tables_of_round = store.round(number)
    verdicts = pl.DataFrame(
        [
            (verdict.scan_id, verdict.structure, verdict.choice.value)
            for verdict in _that_count(store, number)
            if verdict.on_mask
        ],
        schema=dict.fromkeys((*KEY, "choice"), pl.String),
        orient="row",
    )
    items = tables_of_round.read("items").filter(pl.col("kind") != ItemKind.LESION.value)
    shown = items.select(*KEY, "kind")
    sources = tables_of_round.read("decisions", columns=[*KEY, "source"])
    audit = pl.col("kind") == ItemKind.AUDIT.value
    approved = (
        pl.when(audit)
        .then(pl.lit(Candidate.DECIDED.value))
        .otherwise(pl.lit(Candidate.CURRENT.value))
    )
    return (
        verdicts.join(shown, on=KEY)
        .join(sources, on=KEY, how="left")
        .select(
            source=pl.when(audit).then(pl.lit(PREDICTED)).otherwise("source"),
            structure="structure",
            faulty=pl.col("choice") != approved,
        )
    )
