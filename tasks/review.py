"""Review: the round's questions, put to people and gathered again."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.records.base import Record
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.records.stage import StageInputs
from scalemai_core.review.queue.queue import Queue
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.workspace import Workspace
from tasks.honeypots import HONEYPOTS
from tasks.questions import posed_items, read_items
from tasks.round import last_round
from tasks.verdicts import close_review

log = logging.getLogger("scalemai.review")


class Opening(Record):
    """``rounds/<n>/asked.json``: since when people are asked."""

    opened: datetime


def open_queue(store: Workspace, settings: ReviewSettings) -> Queue:
    """The queue of a workspace: the database that the settings name, else SQLite beside it."""
    if settings.database:
        return Queue(settings.database)
    folder = store.local_state
    folder.mkdir(parents=True, exist_ok=True)
    return Queue(f"sqlite:///{folder / 'queue.db'}")


@task(task_run_name="fill the review queue", cache_policy=NO_CACHE)
def fill_queue(inputs: StageInputs) -> tuple[ReviewItem, ...]:
    """Put the round's questions into the queue; returns those the round still waits for.

    None after the deadline, and none where the review was closed by hand.
    """
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    settings = plan.settings.review
    if _deadline_passed(store, plan.number, settings.deadline_hours):
        return ()
    if store.review_log(plan.number).closed:
        return ()
    queue = refill(store, plan.number, settings)
    waiting = still_asked(queue, plan.number)
    log.info("review: the round waits for %d questions", len(waiting))
    return waiting


def still_asked(queue: Queue, number: int) -> tuple[ReviewItem, ...]:
    """Open questions a round waits for: what only tests the readers is none."""
    return tuple(i for i in queue.open_items(number) if i.kind is not ItemKind.HONEYPOT)


def refill(store: Workspace, number: int, settings: ReviewSettings) -> Queue:
    """Bring the queue to what the workspace says of a round: its questions, and what was done."""
    queue = open_queue(store, settings)
    queue.fill(asked_items(store, number), store.review_log(number).read())
    return queue


def waiting_round(store: Workspace) -> int | None:
    """Number of the round that waits for people; None where none does."""
    number = last_round(store)
    asked = number and store.files.exists(_asked_path(number))
    return number if asked and not store.review_log(number).closed else None


def asked_items(store: Workspace, number: int) -> tuple[ReviewItem, ...]:
    """All that readers get to see of a round, honeypots among it."""
    hidden = store.round(number).has(HONEYPOTS)
    return (
        *posed_items(store, number),
        *(read_items(store, number, HONEYPOTS) if hidden else ()),
    )


@task(task_run_name="close the review", cache_policy=NO_CACHE)
def end_review(inputs: StageInputs) -> None:
    """What was said until now is what the round goes on with."""
    store, number = Workspace.open(inputs.workspace), inputs.plan.number
    close_review(store, number, posed_items(store, number))


def _deadline_passed(store: Workspace, number: int, hours: float | None) -> bool:
    """Whether people had their time, which begins when this is asked first."""
    found = store.read_json(_asked_path(number))
    opening = Opening.model_validate(found) if found else Opening(opened=datetime.now(UTC))
    if found is None:
        store.write_document(_asked_path(number), opening)
    if hours is None or datetime.now(UTC) < opening.opened + timedelta(hours=hours):
        return False
    log.warning("review: the deadline of %g h has passed, the round goes on", hours)
    return True


def _asked_path(number: int) -> str:
    return f"rounds/{number}/asked.json"
