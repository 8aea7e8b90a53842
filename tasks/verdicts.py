"""People's answers as the tasks use them: of one round, and of the rounds before."""

from __future__ import annotations

import polars as pl

from scalemai_core.judge.expert.appraisal import PREDICTED
from scalemai_core.records.decision import Candidate
from scalemai_core.records.review import ItemKind, Verdict
from scalemai_core.records.round import RoundPlan
from scalemai_core.store import tables
from scalemai_core.store.workspace import Workspace

KEY = ["scan_id", "structure"]


def verdicts_of_round(store: Workspace, plan: RoundPlan) -> tuple[Verdict, ...]:
    """People's answers in a round; the first answer to an item counts."""
    return _first_answers(store, plan.number)


def _first_answers(store: Workspace, number: int) -> tuple[Verdict, ...]:
    rows = store.catalog.table("verdicts", tables.VERDICTS).filter(pl.col("round") == number)
    first = rows.sort("created").unique("item_id", keep="first").sort("item_id")
    return tuple(Verdict.model_validate(row) for row in first.iter_rows(named=True))


def masks_opened(store: Workspace) -> int:
    """Distinct masks that people have opened over all rounds."""
    return store.catalog.table("verdicts", tables.VERDICTS).unique(KEY).height


def answers_before(store: Workspace, plan: RoundPlan) -> pl.DataFrame:
    """What people found in earlier rounds: source (whose mask they were shown), structure, faulty.

    A question shows the mask as it was, an audit shows what the engine made of it.
    """
    found = [_answers(store, number) for number in range(1, plan.number)]
    columns = {"source": pl.String, "structure": pl.String, "faulty": pl.Boolean}
    return pl.concat([pl.DataFrame(schema=columns), *found])


def _answers(store: Workspace, number: int) -> pl.DataFrame:
    tables_of_round = store.round(number)
    verdicts = pl.DataFrame(
        [
            (verdict.scan_id, verdict.structure, verdict.choice.value)
            for verdict in _first_answers(store, number)
            if verdict.on_mask
        ],
        schema=dict.fromkeys((*KEY, "choice"), pl.String),
        orient="row",
    )
    items = tables_of_round.read("items").filter(pl.col("kind") != ItemKind.LESION.value)
    shown = items.select(*KEY, "kind")
    sources = tables_of_round.read("decisions").select(*KEY, "source")
    audit = pl.col("kind") == "audit"
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
