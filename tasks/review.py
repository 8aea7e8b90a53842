"""Review: the round's questions, put to people and gathered again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.records.base import Record
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.records.stage import StageInputs
from scalemai_core.review.queue.queue import Queue
from scalemai_core.review.views import VIEWS
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
    queue = open_queue(store, settings)
    refill(store, queue, plan.number)
    waiting = unanswered(queue, plan.number)
    log.info("review: the round waits for %d questions", len(waiting))
    return waiting


def unanswered(queue: Queue, number: int) -> tuple[ReviewItem, ...]:
    """Questions that a round waits for; it waits for no honeypot."""
    return tuple(i for i in queue.open_items(number) if i.kind is not ItemKind.HONEYPOT)


def refill(store: Workspace, queue: Queue, number: int) -> None:
    """Bring the queue to what the workspace says of a round: its questions, and what was done.

    What nobody can be shown, since its scan was set aside, is not asked: the round holds its mask.
    """
    items, tables = asked_items(store, number), store.round(number)
    if tables.has(VIEWS):
        shown = set(tables.read(VIEWS, columns=["item_id"])["item_id"])
        asked = tuple(item for item in items if item.item_id in shown)
        if len(asked) < len(items):
            log.warning("review: %d questions cannot be shown: not asked", len(items) - len(asked))
        items = asked
    queue.fill(items, store.review_log(number).read())


def waiting_round(store: Workspace) -> int | None:
    """Number of the round that waits for people; None where none does."""
    number = last_round(store)
    asked = number and store.files.exists(_asked_path(number))
    return number if asked and not store.review_log(number).closed else None


def asked_items(
    store: Workspace, number: int, scan_ids: Sequence[str] | None = None
) -> tuple[ReviewItem, ...]:
    """All that readers get to see of a round, honeypots among it, of some scans or of all."""
    hidden = store.round(number).has(HONEYPOTS)
    return (
        *posed_items(store, number, scan_ids),
        *(read_items(store, number, HONEYPOTS, scan_ids) if hidden else ()),
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
