"""The review desk: what ``scalemai review`` puts before people while a round waits for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scalemai_core.errors import UsageError
from scalemai_core.records.answer import Answer
from scalemai_core.records.decision import Candidate
from scalemai_core.records.reader import Reader, Role
from scalemai_core.records.review import DRAWN_KINDS
from scalemai_core.records.review_stats import ReviewStats
from scalemai_core.release.dicom_seg import export_verdict
from scalemai_core.review.desk import Desk
from scalemai_core.review.handoff.folder import DrawnItem, export_items, import_items
from scalemai_core.review.queue.queue import Queue
from scalemai_core.review.ruling import rulings, standing_of_reader
from scalemai_core.review.web.app import create_app
from scalemai_core.review.web.serving import serve
from scalemai_core.review.web.sessions import new_secret, secret_hash
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.catalog.rows import scans_of
from scalemai_core.store.workspace import Workspace
from tasks.decide import ITEMS
from tasks.questions import posed_items
from tasks.review import open_queue, refill, unanswered, waiting_round
from tasks.review_events import DONE, tell
from tasks.verdicts import close_review


def serve_review(workspace: str, settings: ReviewSettings) -> None:
    """Serve the page until interrupted; it follows the workspace from round to round."""
    store = Workspace.open(workspace)
    queue = open_queue(store, settings)
    app = create_app(desk_of(store, queue, settings), queue, settings.web)
    serve(app, settings.web.host, settings.web.port)


def desk_of(store: Workspace, queue: Queue, settings: ReviewSettings) -> Callable[[], Desk | None]:
    """The desk of the round that waits; made when a round begins to wait, None while none does."""
    desks: dict[int, Desk] = {}

    def current() -> Desk | None:
        number = waiting_round(store)
        if number is None:
            return None
        if number not in desks:
            refill(store, queue, number)
            desks[number] = Desk(store, queue, number, settings, _tell_done(store))
        return desks[number]

    return current


def open_desk(workspace: str, settings: ReviewSettings) -> Desk:
    """The desk of the round that waits for people; raises UsageError where none does."""
    store = Workspace.open(workspace)
    number = waiting_round(store)
    if number is None:
        raise UsageError(
            f"no round of {workspace} waits for people; "
            f"'scalemai round {workspace} --review wait' asks them"
        )
    queue = open_queue(store, settings)
    refill(store, queue, number)
    return Desk(store, queue, number, settings, _tell_done(store))


def new_token(workspace: str, reader: Reader, settings: ReviewSettings) -> str:
    """A token for a person; only its hash is kept."""
    if not reader.name.strip():
        raise UsageError("a token needs the name of a person: their answers are kept under it")
    token = new_secret()
    open_queue(Workspace.open(workspace), settings).add_reader(reader, secret_hash(token))
    return token


def revoke_token(workspace: str, name: str, settings: ReviewSettings) -> None:
    """Let a person sign in no more."""
    open_queue(Workspace.open(workspace), settings).revoke(name)


def close_desk(workspace: str, settings: ReviewSettings) -> int:
    """Take no more answers; how many questions stay unanswered."""
    desk = open_desk(workspace, settings)
    close_review(desk.store, desk.round_number, posed_items(desk.store, desk.round_number))
    tell(DONE, desk.store.url, desk.round_number)
    return len(unanswered(desk.queue, desk.round_number))


def review_stats(workspace: str, settings: ReviewSettings) -> ReviewStats:
    """Everybody's figures, as an administrator sees them."""
    return open_desk(workspace, settings).stats(Reader(name="", role=Role.ADMIN))


def export_desk(
    workspace: str, settings: ReviewSettings, name: str, folder: Path, count: int
) -> int:
    """Hold items for a reader and write them as files; how many folders are new."""
    held = settings.model_copy(update={"lease_seconds": settings.export_days * 86400.0})
    desk = open_desk(workspace, held)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:  # before anything is held for somebody who cannot get it
        raise UsageError(f"cannot write into {folder}: {error.strerror}") from error
    leases = desk.take(_person(desk.queue, name), count, DRAWN_KINDS)
    return len(
        export_items(
            desk.store, [(one.item, desk.view(one.item.item_id)) for one in leases], folder
        )
    )


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a folder; nothing in it goes unmentioned."""

    taken: int
    before: int
    """Answered by this reader already."""
    unchanged: int
    """As they went out: still open."""
    refused: list[tuple[str, str]]
    """Path and reason."""


def import_desk(workspace: str, settings: ReviewSettings, name: str, folder: Path) -> Imported:
    """Take edited masks back as the reader's answers."""
    desk = open_desk(workspace, settings)
    reader = _person(desk.queue, name)
    items = desk.queue.items(desk.round_number)
    asked = {item.item_id: (item, desk.view(item.item_id)) for item in items}
    found = import_items(folder, asked, desk.store.scans.grid)
    refused = [(str(one.path), one.reason) for one in found.refused]
    done = (one for one in desk.queue.entries(desk.round_number) if one.reader == reader.name)
    answered = {entry.item_id for entry in standing_of_reader(done)}
    new = [one for one in found.drawn if one.item.item_id not in answered]
    for one in new:
        try:
            _answer(desk, reader, one)
        except UsageError as error:
            refused.append((str(folder / one.item.item_id), str(error)))
    before = len(found.drawn) - len(new)
    taken = len(new) + len(found.refused) - len(refused)
    return Imported(taken, before, len(found.unchanged), refused)


def _answer(desk: Desk, reader: Reader, drawn: DrawnItem) -> None:
    lease = desk.queue.held_item(reader.name, drawn.item.item_id)
    answer = Answer(
        choice=Candidate.READER,
        base_label_map=drawn.item.base_label_map,
        seconds=desk.settings.seconds_draw,  # nobody measured it; none would count as no time
        note="drawn in an editor",
    )
    desk.answer(reader, lease.lease_id, answer, drawn.drawing)


def export_answers(workspace: str, number: int, folder: Path) -> int:
    """Write every mask that readers drew or mended in a round as DICOM SEG; how many."""
    store = Workspace.open(workspace)
    version = store.catalog.latest()
    if version is None or not store.round(number).has(ITEMS):
        raise UsageError(f"{workspace} has no round {number} that asked anything")
    scans = {scan.scan_id: scan for scan in scans_of(store.catalog.scans(version))}
    found = rulings(posed_items(store, number), store.review_log(number).read())
    written = 0
    for ruling in found.values():
        for place, verdict in enumerate(ruling.answers, start=1):
            if verdict.choice is Candidate.READER and verdict.label_map:
                path = folder / f"{verdict.item_id}-{place}.dcm"
                export_verdict(store, verdict, scans[verdict.scan_id], path)
                written += 1
    return written


def _person(queue: Queue, name: str) -> Reader:
    """A slip of the pen would hold items for nobody."""
    found = next((one for one in queue.people() if one.name == name), None)
    if found is None:
        raise UsageError(f"nobody named '{name}' has a token: see 'scalemai review token'")
    return found


def _tell_done(store: Workspace) -> Callable[[int], None]:
    return lambda number: tell(DONE, store.url, number)
