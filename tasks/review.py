"""Review: the queue, and the reader that a truth stands in for."""

from __future__ import annotations

import logging
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.records.review import ReviewItem, Verdict, lesion_item, mask_item
from scalemai_core.records.review_entry import Act, ReviewEntry
from scalemai_core.records.stage import StageInputs
from scalemai_core.review.queue.queue import Queue
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.workspace import Workspace
from tasks.decide import ITEMS
from tasks.verdicts import KEY, verdicts_of_round

log = logging.getLogger("scalemai.review")


def open_queue(store: Workspace, settings: ReviewSettings) -> Queue:
    """The queue of a workspace: the database that the settings name, else SQLite beside it."""
    if settings.database:
        return Queue(settings.database)
    folder = store.local_state
    folder.mkdir(parents=True, exist_ok=True)
    return Queue(f"sqlite:///{folder / 'queue.db'}")


@task(task_run_name="fill the review queue", cache_policy=NO_CACHE)
def fill_queue(inputs: StageInputs) -> tuple[ReviewItem, ...]:
    """Put the round's questions into the queue; returns those still open."""
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    queue = open_queue(store, plan.settings.review)
    answers = [answer_entry(verdict) for verdict in verdicts_of_round(store, plan)]
    queue.fill(review_items(store, inputs), answers)
    still_open = queue.open_items(plan.number)
    log.info("review: %d questions open, %d answered", len(still_open), len(answers))
    return still_open


def answer_entry(verdict: Verdict) -> ReviewEntry:
    """An answer as the review's log has it."""
    return ReviewEntry(
        entry_id=f"{verdict.item_id}-{verdict.reader}",
        act=Act.ANSWER,
        round=verdict.round,
        item_id=verdict.item_id,
        reader=verdict.reader,
        created=verdict.created,
        seconds=verdict.seconds,
        verdict=verdict,
    )


def review_items(store: Workspace, inputs: StageInputs) -> tuple[ReviewItem, ...]:
    """The questions and audits of a round, as the queue takes them."""
    plan = inputs.plan
    items = store.round(plan.number).read(ITEMS)
    maps = store.catalog.annotations(inputs.version).select(*KEY, base_label_map="label_map")
    return tuple(
        ReviewItem(
            item_id=_item_id(plan.number, row),
            round=plan.number,
            prediction=inputs.model.key,
            **row,
        )
        for row in items.join(maps, on=KEY, how="left").iter_rows(named=True)
    )


def _item_id(number: int, row: dict[str, Any]) -> str:
    if row["candidate_id"]:
        return lesion_item(number, row["scan_id"], row["candidate_id"])
    return mask_item(number, row["scan_id"], row["structure"])
