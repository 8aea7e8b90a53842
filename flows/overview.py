"""What a workspace holds, as one plain document: the answer of ``scalemai status``."""

from __future__ import annotations

from typing import Any

from scalemai_core.page.report.markdown import round_markdown
from scalemai_core.records.round import RoundResult
from scalemai_core.review.queue.queue import Queue
from scalemai_core.settings.engine import TrackingSettings
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.catalog import tables
from scalemai_core.store.workspace import Workspace
from tasks.pace import pace_row, round_paces
from tasks.review import open_queue, unanswered, waiting_round
from tasks.round import finished_rounds, last_round, report_path
from tasks.tracking.registry import Tracker


def overview(workspace: str, tracking: TrackingSettings, review: ReviewSettings) -> dict[str, Any]:
    """Versions, models, rounds, queue and rejected inputs of a workspace."""
    store = Workspace.open(workspace)
    rejections = store.catalog.table("rejections", tables.REJECTIONS).unique(maintain_order=True)
    finished, newest = finished_rounds(store), last_round(store)
    queue = open_queue(store, review)
    return {
        "workspace": store.url,
        "versions": [version.model_dump(mode="json") for version in store.catalog.versions()],
        "models": [model.model_dump(mode="json") for model in Tracker(store, tracking).models()],
        "rounds": [result.model_dump(mode="json") for result in finished],
        "unfinished_round": newest if newest > len(finished) else None,
        "waits_for": _waits_for(store, queue),
        "pace": [pace_row(pace) for pace in round_paces(store, newest)],
        "queue": queue.counts(),
        "gold_test_openings": [one.model_dump(mode="json") for one in store.gold_openings.read()],
        "rejected": rejections.to_dicts(),
        "set_aside": _set_aside(store, newest),
    }


def _set_aside(store: Workspace, number: int) -> list[dict[str, Any]]:
    """Scans of a round that its stages set aside, and why."""
    return [
        {"round": number, "stage": one.stage, "scan": scan_id, "reason": reason}
        for one in (store.set_aside(number).read() if number else ())
        for scan_id, reason in one.reasons.items()
    ]


def _waits_for(store: Workspace, queue: Queue) -> int:
    """Questions without which the unfinished round does not go on."""
    number = waiting_round(store)
    return 0 if number is None else len(unanswered(queue, number))


def round_in_words(workspace: str, result: RoundResult) -> str:
    """A finished round as Markdown, among the rounds before it."""
    return round_markdown(result, finished_rounds(Workspace.open(workspace)))


def report_url(workspace: str, result: RoundResult) -> str:
    """Where a finished round's page lies."""
    return f"{Workspace.open(workspace).url}/{report_path(result.number)}"
